# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wishes about conversations, without a server: levels, mutes, bounds, restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import fromstring

import pytest

from salut.model import moment
from salut.model.errors import SalutError
from salut.plugins.pep.api import Item
from salut.plugins.preferences import protocol, service
from salut.plugins.preferences.api import FOREVER, ConversationSetting, Preferences
from salut.xmpp.xmltext import serialise
from tests.engine_kit import EngineKit, running_engine

FRIEND, ROOM = "friend@example.org", "room@muc.example.org"


class OneRoom:
    """Stands where rooms stand."""

    def __init__(self) -> None:
        self.members_only = False

    def is_room(self, profile: str, bare: str) -> bool:
        return bare == ROOM

    def private(self, profile: str, room: str) -> bool:
        return self.members_only


async def port(kit: EngineKit) -> Preferences:
    """Of a profile that never connects."""
    settings = {"enabled": False}
    await kit.call("profiles.create", name="me", address="a@example.org", password="x", settings=settings)
    return cast("Preferences", kit.engine.plugins.plugins["preferences"].port())


async def ask(kit: EngineKit, what: str, conversation: str = FRIEND, **more: Any) -> Any:
    return await kit.call(f"preferences.{what}", profile="me", conversation=conversation, **more)


async def test_levels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path) as kit:
        preferences = await port(kit)
        room = OneRoom()
        monkeypatch.setattr(preferences, "_rooms", room)
        assert (preferences.level("me", FRIEND), preferences.level("me", ROOM)) == ("always", "mention")
        assert preferences.level("me", f"{ROOM}/nick") == "always"  # a private chat
        room.members_only = True
        assert preferences.level("me", ROOM) == "always"  # XEP-0492: private group chats are as people
        await ask(kit, "notify", ROOM, level="mention")
        assert preferences.level("me", ROOM) == "mention"
        await ask(kit, "mute", ROOM, until=moment.now() + 3600 * moment.SECOND)
        assert preferences.level("me", ROOM) == "never"
        later = moment.now() + 3601 * moment.SECOND
        monkeypatch.setattr(moment, "now", lambda: later)
        assert preferences.level("me", ROOM) == "mention"  # as before, by itself
        await ask(kit, "mute")
        assert preferences.level("me", FRIEND) == "never"
        await ask(kit, "mute", until=0)
        assert preferences.level("me", FRIEND) == "always"


async def test_kept_over_restarts_and_gone_when_usual(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await port(kit)
        await ask(kit, "pin")
        await ask(kit, "notify", "Other@Example.org", level="never")
        assert (await ask(kit, "mute"))["muted_until"] == FOREVER
    async with running_engine(tmp_path) as kit:
        preferences = cast("Preferences", kit.engine.plugins.plugins["preferences"].port())
        kept = ConversationSetting(address=FRIEND, pinned=True, muted_until=FOREVER)
        assert preferences.get("me", FRIEND) == kept
        listed = await kit.call("preferences.list", profile="me")
        assert [setting["address"] for setting in listed] == [FRIEND, "other@example.org"]
        assert listed[1] == {"address": "other@example.org", "notify": "never"}
        pid = kit.engine.journal.journals.pids["me"]
        items = await kit.engine.readers.read(lambda read: kit.engine.snapshot(read, "me", pid, 1))
        assert [item.key for item in items if item.name == "conversation_setting"] == [
            FRIEND,
            "other@example.org",
        ]
        await ask(kit, "pin", on=False)
        await ask(kit, "mute", until=0)
        assert [s["address"] for s in await kit.call("preferences.list", profile="me")] == [
            "other@example.org"
        ]
        assert preferences.get("me", FRIEND) == ConversationSetting(address=FRIEND)


async def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path) as kit:
        preferences = await port(kit)
        for wrong in (1, moment.now() - 1, FOREVER + 1, -5):
            with pytest.raises(SalutError) as caught:
                await ask(kit, "mute", until=wrong)
            assert caught.value.code == "invalid"
        monkeypatch.setattr(service, "MOST", 2)
        await ask(kit, "pin", "a@b.c")
        await ask(kit, "pin", "b@b.c")
        with pytest.raises(SalutError) as caught:
            await ask(kit, "pin", "c@b.c")
        assert caught.value.code == "too-large"
        await preferences.learn("me", [ConversationSetting(address="d@b.c", pinned=True)])
        assert [s["address"] for s in await kit.call("preferences.list", profile="me")] == ["a@b.c", "b@b.c"]


def test_items_of_our_node() -> None:
    wish = ConversationSetting(address=FRIEND, pinned=True, notify="mention", muted_until=FOREVER)
    element = fromstring(protocol.payload(wish))
    assert protocol.setting(Item(FRIEND, element)) == wish
    assert "urn:xmpp:bookmarks-pinning:0" in serialise(element)
    assert protocol.setting(Item("no address", element)) is None
    assert protocol.setting(Item(FRIEND, fromstring("<x xmlns='y'/>"))) is None
    assert protocol.setting(Item(FRIEND)) is None
