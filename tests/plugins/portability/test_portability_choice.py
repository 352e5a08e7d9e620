# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whose things go where; and several requests on their way at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from salut.client import wire
from salut.model.errors import SalutError
from tests.cli.conftest import Jp
from tests.plugins.portability.conftest import AT, ME, ROMEO, House, new

OTHER = "nurse@capulet.example"


def two(house: House, jp: Jp, tmp_path: Path) -> Path:
    """An export of two profiles."""
    house.profile("juliet", ME)
    house.profile("nurse", OTHER)
    house.store("juliet", [new("to juliet")])
    house.store("nurse", [new("to the nurse")])
    file = tmp_path / "two.jsonl"
    assert jp("export", "-o", str(file)).code == 0
    for name in ("juliet", "nurse"):
        house.call("profiles.delete", profile=name)
    return file


def test_by_address_then_by_name(house: House, jp: Jp, tmp_path: Path) -> None:
    file = two(house, jp, tmp_path)
    done = jp("import", str(file))
    assert done.code == 3 and f"juliet ({ME}), nurse ({OTHER})" in done.err
    house.profile("capulet", ME)  # the same account under another name
    house.profile("nurse", "nurse@elsewhere.example")
    assert jp("import", str(file)).code == 0
    assert [m["body"] for m in house.everything("capulet")[ROMEO]] == ["to juliet"]
    assert [m["body"] for m in house.everything("nurse")[ROMEO]] == ["to the nurse"]


def test_the_person_says_which(house: House, jp: Jp, tmp_path: Path) -> None:
    file = two(house, jp, tmp_path)
    house.profile("x", "x@example.org")
    assert jp("import", str(file), "--map", "juliet").code == 2
    assert jp("import", str(file), "--map", "romeo=x").code == 3
    assert jp("import", str(file), "--map", "juliet=y").code == 3
    done = jp("import", str(file), "--map", f"juliet=x,{OTHER}=", "--json")
    assert done.code == 0, done.err
    assert done.json["stored"] == 1
    assert [m["body"] for m in house.everything("x")[ROMEO]] == ["to juliet"]


def test_one_profile_of_several(house: House, jp: Jp, tmp_path: Path) -> None:
    file = two(house, jp, tmp_path)
    house.profile("juliet", ME)
    house.profile("nurse", OTHER)
    assert jp("import", str(file), "-p", "nurse").code == 0
    assert house.everything("juliet") == {}
    assert [m["body"] for m in house.everything("nurse")[ROMEO]] == ["to the nurse"]
    out = tmp_path / "one.jsonl"
    assert jp("export", "-p", "nurse", "-o", str(out)).code == 0
    header = json.loads(out.read_text().splitlines()[0])
    assert [profile["name"] for profile in header["salut_export"]["profiles"]] == ["nurse"]
    assert jp("export", "-p", "nobody", "-o", str(out), "--force").code == 3


def test_an_export_that_fails_leaves_nothing(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    assert jp("export", "-o", str(tmp_path / "no" / "such")).code != 0
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert jp("export", "-o", str(tmp_path / "link"), "--force").code == 9  # never through a link
    assert not (tmp_path / "target").exists()
    (tmp_path / "box").mkdir()
    assert jp("export", "--format", "maildir", "-o", str(tmp_path / "box"), "--force").code == 9
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_several_requests_on_their_way(house: House, runtime: Path) -> None:
    house.profile()
    house.store("juliet", [new("one", at=AT)])
    with wire.connect(start=False) as connection:
        numbers = [
            connection.submit("history.page", {"profile": name, "conversation": ROMEO})
            for name in ("juliet", "nobody", "juliet")
        ]
        assert connection.call("daemon.info").value["profiles"] == 1
        assert connection.collect(numbers[2])["value"]["items"][0]["body"] == "one"
        with pytest.raises(SalutError) as caught:
            connection.collect(numbers[1])
        assert caught.value.code == "not-found"
        assert connection.collect(numbers[0])["value"]["items"][0]["body"] == "one"
