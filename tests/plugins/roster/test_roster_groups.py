# SPDX-License-Identifier: AGPL-3.0-or-later
"""Groups: several a contact, nested by their names (XEP-0083), renamed for all their contacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from salut.plugins.roster.groups import nests, path, renamed
from tests.engine_kit import EngineKit, running_engine


@pytest.mark.parametrize(
    ("name", "delimiter", "expected"),
    [
        ("Midsummer::Actors", "::", ["Midsummer", "Actors"]),  # the standard's example
        ("Midsummer", "::", ["Midsummer"]),
        ("a/b/c", "/", ["a", "b", "c"]),
        ("Team", "e", ["Team"]),  # section 2: a single letter divides nothing
        ("1/2", "", ["1/2"]),
        ("::", "::", ["::"]),
        ("a::", "::", ["a::"]),
        ("a:::b", "::", ["a", ":b"]),
    ],
)
def test_paths(name: str, delimiter: str, expected: list[str]) -> None:
    assert path(name, delimiter) == expected


def test_what_nests() -> None:
    assert [word for word in ("::", "/", "ab", "\\") if not nests(word)] == []
    assert [word for word in ("", "e", "M", "7", "é") if nests(word)] == []


@pytest.mark.parametrize(
    ("groups", "new", "expected"),
    [
        (["A", "X"], "B", ["B", "X"]),
        (["A::In", "AA::In", "A"], "B::C", ["AA::In", "B::C", "B::C::In"]),
        (["A", "B"], "B", ["B"]),
        (["A", "A::In", "X"], "", ["X"]),
    ],
)
def test_renaming(groups: list[str], new: str, expected: list[str]) -> None:
    assert renamed(groups, "A", new, "::") == expected


async def groups_of(kit: EngineKit, profile: str) -> dict[str, list[str]]:
    """The groups of each contact."""
    page = await kit.call("roster.list", profile=profile)
    return {item["address"]: item.get("groups", []) for item in page["items"]}


async def test_groups_are_the_accounts(server: XmppServer, tmp_path: Path) -> None:
    """Renamed and nested on one device: so on the other."""
    alice = server.account("alice")
    async with (
        running_engine(tmp_path / "desk", server, {"alice": alice}) as desk,
        running_engine(tmp_path / "phone", server, {"alice": alice}) as phone,
    ):
        for n in range(45):
            groups = ["Work::Lunch", "Friends"] if n % 3 == 0 else ["Work"] if n % 3 == 1 else []
            await desk.call(
                "roster.add", profile="alice", address=f"c{n:02}@x.invalid", groups=groups, subscribe=False
            )
        shown = await desk.call("roster.groups", profile="alice")
        assert shown == {
            "delimiter": "::",
            "items": [
                {"name": "Friends", "path": ["Friends"], "contacts": 15},
                {"name": "Work", "path": ["Work"], "contacts": 15},
                {"name": "Work::Lunch", "path": ["Work", "Lunch"], "contacts": 15},
            ],
        }
        renamed = await desk.call("roster.rename_group", profile="alice", group="Work", name="Job")
        assert [item["name"] for item in renamed["items"]] == ["Friends", "Job", "Job::Lunch"]

        async def followed() -> bool:
            found = await groups_of(phone, "alice")
            return found.get("c00@x.invalid") == ["Friends", "Job::Lunch"] and found["c01@x.invalid"] == [
                "Job"
            ]

        await phone.until(followed)
        gone = await desk.call("roster.rename_group", profile="alice", group="Job", name="")
        assert [item["name"] for item in gone["items"]] == ["Friends"]
        with pytest.raises(SalutError) as caught:
            await desk.call("roster.rename_group", profile="alice", group="Job", name="x")
        assert caught.value.code == "not-found"

        await desk.call("roster.set_delimiter", profile="alice", delimiter="/")
        await phone.call("profiles.disconnect", profile="alice")
        await phone.call("profiles.connect", profile="alice", wait=20)

        async def learnt() -> bool:
            found: dict[str, Any] = await phone.call("roster.groups", profile="alice")
            return bool(found["delimiter"] == "/")

        await phone.until(learnt)
        for wrong in ("", "x" * 21, "\n"):
            with pytest.raises(SalutError) as caught:
                await desk.call("roster.set_delimiter", profile="alice", delimiter=wrong)
            assert caught.value.data["field"] == "delimiter"
