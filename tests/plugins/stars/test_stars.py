# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stars: one a message, found again newest first, kept over restarts, bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from salut.model.errors import SalutError
from salut.plugins.history.api import History, NewMessage
from salut.plugins.stars import service
from tests.engine_kit import EngineKit, running_engine

BOB, EVE = "bob@example.org", "eve@example.org"
AT = 1_700_000_000_000_000


async def said(kit: EngineKit) -> list[int]:
    """A profile with six messages, alternately from two people; their ids."""
    await kit.call(
        "profiles.create", name="one", address="a@example.org", password="x", settings={"enabled": False}
    )
    port = cast("History", kit.engine.plugins.plugins["history"].port())
    found = []
    for n in range(6):
        who = EVE if n % 2 else BOB
        new = NewMessage(conversation=who, sender=who, body=f"text {n}", origin=f"o{n}", at=AT + n)
        message = await port.ingest("one", new)
        assert message is not None
        found.append(message.id)
    return found


async def bodies(kit: EngineKit, **more: Any) -> list[str]:
    page = await kit.call("stars.list", profile="one", **more)
    return [item["message"]["body"] for item in page["items"]]


async def test_r18_star_single_messages(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        ids = await said(kit)
        for n in (3, 0, 4, 2, 5):
            star = await kit.call("stars.set", profile="one", message=ids[n])
            assert (star["message"], star["said_at"]) == (ids[n], AT + n)
        again = await kit.call("stars.set", profile="one", message=ids[5])
        assert again["at"] == star["at"]
        await kit.call("stars.set", profile="one", message=ids[2], on=False)
        await kit.call("stars.set", profile="one", message=ids[2], on=False)
    async with running_engine(tmp_path) as kit:
        assert await bodies(kit) == ["text 5", "text 4", "text 3", "text 0"]
        assert await bodies(kit, conversation="Eve@example.org") == ["text 5", "text 3"]
        first = await kit.call("stars.list", profile="one", limit=3)
        assert await bodies(kit, before=first["before"]) == ["text 0"]
        last = await kit.call("stars.list", profile="one", limit=4)
        assert last.get("before") is None
        pid = kit.engine.journal.journals.pids["one"]
        items = await kit.engine.readers.read(lambda read: kit.engine.snapshot(read, "one", pid, 1))
        assert [item.key for item in items if item.name == "star"] == [str(ids[n]) for n in (5, 4, 3, 0)]
        changed = await kit.engine.readers.read(
            lambda read: read.all("SELECT seq, payload FROM journal WHERE pid=? ORDER BY seq", (pid,))
        )
        stars = [row for row in changed if b'"name":"star"' in cast("bytes", row[1])]
        assert len(stars) == 6  # five set, one taken away; saying it again told nobody


async def test_only_messages_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path) as kit:
        ids = await said(kit)
        await kit.call(
            "profiles.create", name="two", address="b@example.org", password="x", settings={"enabled": False}
        )
        for profile, key in (("one", 999), ("two", ids[0])):  # nor another profile's
            with pytest.raises(SalutError) as caught:
                await kit.call("stars.set", profile=profile, message=key)
            assert caught.value.code == "not-found"
        monkeypatch.setattr(service, "MOST", 1)
        await kit.call("stars.set", profile="one", message=ids[0])
        with pytest.raises(SalutError) as caught:
            await kit.call("stars.set", profile="one", message=ids[1])
        assert caught.value.code == "too-large"
        for mark in ("x", "1", "1.2.3", f"{1 << 70}.1"):
            with pytest.raises(SalutError) as caught:
                await kit.call("stars.list", profile="one", before=mark)
            assert caught.value.code == "invalid"
        await kit.call("profiles.delete", profile="one")
        rows = await kit.engine.readers.read(lambda read: read.all("SELECT * FROM star"))
        assert rows == []
