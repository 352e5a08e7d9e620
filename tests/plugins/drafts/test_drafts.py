# SPDX-License-Identifier: AGPL-3.0-or-later
"""Drafts: last writer wins, kept over restarts, gone when empty, bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from salut.engine.dispatcher import Caller
from salut.model.errors import SalutError
from salut.plugins.drafts import service
from tests.engine_kit import EngineKit, running_engine


async def profile(kit: EngineKit) -> None:
    """A profile that never connects."""
    settings = {"enabled": False}
    await kit.call("profiles.create", name="one", address="a@example.org", password="x", settings=settings)


async def write(
    kit: EngineKit, window: str, text: str, conversation: str = "b@example.org"
) -> dict[str, Any]:
    params = {"profile": "one", "conversation": conversation, "text": text}
    caller = Caller(window, window)
    reply = await kit.engine.dispatcher.call(caller, "drafts.set", msgspec.json.encode(params))
    found: dict[str, Any] = msgspec.json.decode(reply)
    return found


async def test_last_writer_wins_and_it_is_kept(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        first = await write(kit, "console", "Hel")
        second = await write(kit, "desk", "Hello", "B@Example.org")
        assert second["seq"]["one"] == first["seq"]["one"] + 1
        same = await write(kit, "web", "Hello")
        assert same["seq"]["one"] == second["seq"]["one"]  # nothing new to tell
    async with running_engine(tmp_path) as kit:
        (draft,) = await kit.call("drafts.list", profile="one")
        assert (draft["conversation"], draft["text"], draft["window"]) == ("b@example.org", "Hello", "desk")
        pid = kit.engine.journal.journals.pids["one"]
        items = await kit.engine.readers.read(lambda read: kit.engine.snapshot(read, "one", pid, 1))
        shown = [item for item in items if item.name == "draft"]
        assert [(item.key, item.rev, item.value.text) for item in shown] == [
            ("b@example.org", second["seq"]["one"], "Hello")
        ]


async def test_an_empty_text_removes(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        await write(kit, "w", "x")
        await write(kit, "w", "y", "room@example.org/nick")
        assert (await write(kit, "w", ""))["value"]["text"] == ""
        assert [d["conversation"] for d in await kit.call("drafts.list", profile="one")] == [
            "room@example.org/nick"
        ]
        await kit.call("profiles.delete", profile="one")
        await profile(kit)
        assert await kit.call("drafts.list", profile="one") == []


async def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_DRAFTS", 2)
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        await write(kit, "w", "x" * service.MAX_TEXT)
        with pytest.raises(SalutError) as caught:
            await write(kit, "w", "x" * (service.MAX_TEXT + 1))
        assert (caught.value.code, caught.value.data["field"]) == ("too-large", "text")
        await write(kit, "w", "x", "c@example.org")
        with pytest.raises(SalutError) as caught:
            await write(kit, "w", "x", "d@example.org")
        assert (caught.value.code, caught.value.data["field"]) == ("too-large", "conversation")
        await write(kit, "w", "changed", "c@example.org")
        with pytest.raises(SalutError) as caught:
            await write(kit, "w", "x", "not an address")
        assert caught.value.code == "invalid"
        pid = kit.engine.journal.journals.pids["one"]
        items = await kit.engine.readers.read(lambda read: kit.engine.snapshot(read, "one", pid, 1))
        assert [item.key for item in items if item.name == "draft"] == ["c@example.org"]  # the rest on demand
