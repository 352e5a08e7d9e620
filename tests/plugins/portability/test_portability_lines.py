# SPDX-License-Identifier: AGPL-3.0-or-later
"""JSON lines: everything out, the same back in, twice without a difference."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Jp
from tests.plugins.portability.conftest import AT, ME, ROMEO, ROOM, House, new, told

SECOND = 1_000_000


def talk(house: House) -> None:
    """A conversation, a room and drafts."""
    house.store(
        "juliet",
        [
            new("Hello", origin="o1", archive="a1"),
            new("Hi!\nÄ \u2603", sender=f"{ME}/balcony", outgoing=True, state="read", origin="o2", at=AT + SECOND),
            new("three", at=AT + 2 * SECOND, subject="s", thread="t"),
            new(
                "to all", conversation=ROOM, conversation_kind="room", kind="groupchat", sender=f"{ROOM}/Nurse",
                at=AT + 3 * SECOND, stream=ROOM, mention=True,
            ),
            new("lost", sender=ME, outgoing=True, state="failed", error="gone", at=AT + 4 * SECOND),
        ],
    )  # fmt: skip
    house.call("drafts.set", profile="juliet", conversation=ROMEO, text="wherefore")
    house.call("history.mark_read", profile="juliet", conversation=ROOM)
    for conversation, number in ((ROMEO, 2), (ROOM, 0)):  # one that has no id of its own, one that has
        message = house.everything("juliet")[conversation][number]
        house.call("stars.set", profile="juliet", message=message["id"])


def stripped(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {a: [{k: v for k, v in m.items() if k != "id"} for m in ms] for a, ms in found.items()}


def test_r7_plain_export_and_back(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    talk(house)
    file = tmp_path / "all.jsonl"
    done = jp("export", "-o", str(file), "--json")
    assert done.code == 0, done.err
    assert done.json["messages"] == 5
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0]["salut_export"]["version"] == 1
    assert lines[-1] == {"end": {"conversations": 2, "messages": 5, "things": 3}}
    assert "password" not in file.read_text()

    house.profile("copy", "other@capulet.example")
    done = jp("import", str(file), "--map", "juliet=copy", "--json")
    assert done.code == 0, done.err
    assert (done.json["stored"], done.json["known"], done.json["things"]) == (5, 0, 3)
    assert stripped(house.everything("copy")) == stripped(house.everything("juliet"))
    marks = {
        profile: {
            c["address"]: (c.get("kind"), c.get("title"), c.get("read_place"), c.get("read_sub"))
            for c in house.call("history.conversations", profile=profile)["items"]
        }
        for profile in ("copy", "juliet")
    }
    assert marks["copy"][ROOM] == marks["juliet"][ROOM]
    (draft,) = house.call("drafts.list", profile="copy")
    assert (draft["conversation"], draft["text"]) == (ROMEO, "wherefore")
    for profile in ("copy", "juliet"):
        page = house.call("stars.list", profile=profile)
        assert [item["message"]["body"] for item in page["items"]] == ["to all", "three"]
    unread = [c.get("unread", 0) for c in house.call("history.conversations", profile="copy")["items"]]
    assert unread == [0, 0]

    again = jp("import", str(file), "--map", "juliet=copy", "--json")
    assert (again.json["stored"], again.json["known"], again.json["things"]) == (0, 5, 0)
    own = jp("import", str(file), "--json")
    assert (own.json["stored"], own.json["known"]) == (0, 5)
    assert told(house.everything("juliet")) == told(house.everything("copy"))


def test_what_waited_is_not_sent(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    house.store("juliet", [new("later", sender=ME, outgoing=True, state="pending", origin="p1")])
    assert jp("export", "-o", str(tmp_path / "x")).code == 0
    house.profile("copy", "other@capulet.example")
    assert jp("import", str(tmp_path / "x"), "--map", "juliet=copy").code == 0
    (message,) = house.everything("copy")[ROMEO]
    assert message["state"] == "failed"
    assert "waited" in message["error"]


def test_selection(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    talk(house)
    file = tmp_path / "some.jsonl"
    begin, end = "2023-11-14T22:13:21Z", "2023-11-14T22:13:22Z"
    done = jp("export", "--conversation", ROMEO, "--since", begin, "--until", end, "-o", str(file))
    assert done.code == 0, done.err
    bodies = [
        json.loads(line)["message"]["body"] for line in file.read_text().splitlines() if '"message"' in line
    ]
    assert bodies[:1] == ["Hi!\nÄ \u2603"] and len(bodies) == 1
    assert jp("export", "-o", str(file)).code == 9  # it is there
    assert jp("export", "-o", str(file), "--force").code == 0


def test_dry_run_stores_nothing(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    talk(house)
    assert jp("export", "-o", str(tmp_path / "x")).code == 0
    house.profile("copy", "other@capulet.example")
    done = jp("import", str(tmp_path / "x"), "--map", "juliet=copy", "--dry-run", "--json")
    assert done.json["stored"] == 5
    assert house.everything("copy") == {}
    assert house.call("drafts.list", profile="copy") == []


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
def test_mails_and_back(house: House, jp: Jp, tmp_path: Path, kind: str) -> None:
    house.profile()
    talk(house)
    bodies = ["From here\nFrom there\n", " lead and trail ", "", "dots\n.\n..", "cr\r\nlf\r", "=3D=\n", "\n\n",
              "x" * 3000, "日本語" * 400, "From x Mon Jan  1 00:00:00 2024"]  # fmt: skip
    house.store("juliet", [new(body, at=AT + n * 60 * SECOND) for n, body in enumerate(bodies, 10)])
    target = tmp_path / "mails"
    done = jp("export", "--format", kind, "-o", str(target))
    assert done.code == 0, done.err
    house.profile("copy", "other@capulet.example")
    done = jp("import", str(target), "--map", f"{ME}=copy", "--json")
    assert done.code == 0, done.err
    assert done.json["stored"] == 5 + len(bodies)
    assert stripped(house.everything("copy")) == stripped(house.everything("juliet"))
    again = jp("import", str(target), "--map", f"{ME}=copy", "--json")
    assert (again.json["stored"], again.json["known"]) == (0, 5 + len(bodies))
