# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms on real servers: in, talk, out, and in again."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from tests.engine_kit import EngineKit, running_engine


def fresh_room(server: XmppServer) -> str:
    """A room that no other test has."""
    return f"room-{secrets.token_hex(4)}@{server.muc}"


async def join(kit: EngineKit, profile: str, room: str, nick: str = "", **more: Any) -> dict[str, Any]:
    """Join and return the room."""
    joined: dict[str, Any] = await kit.call(
        "rooms.join", profile=profile, room=room, nick=nick or profile, **more
    )
    return joined


async def bodies(kit: EngineKit, profile: str, conversation: str) -> list[str]:
    """What was said, as a profile has it."""
    return [message["body"] for message in await kit.messages(profile, conversation)]


async def said(kit: EngineKit, profile: str, conversation: str, wanted: list[str]) -> None:
    """Wait until exactly this was said."""

    async def there() -> bool:
        return await bodies(kit, profile, conversation) == wanted

    await kit.until(there)


async def room_is(kit: EngineKit, profile: str, room: str, **wanted: Any) -> dict[str, Any]:
    """Wait until a room is shown so."""

    async def look() -> dict[str, Any] | None:
        for shown in await kit.call("rooms.list", profile=profile):
            if shown["address"] == room and all(shown.get(k, "") == v for k, v in wanted.items()):
                found: dict[str, Any] = shown
                return found
        return None

    found: dict[str, Any] = await kit.until(look)
    return found


async def test_two_people_talk_and_leave(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        made = await join(kit, "alice", room)
        assert (made["state"], made["affiliation"], made["members"]) == ("joined", "owner", 1)
        assert (await join(kit, "bob", room))["state"] == "joined"
        sent = await kit.call("chat.send", profile="alice", to=room, body="Hello bob!", wait="server")
        assert sent["kind"] == "groupchat" and sent["state"] == "sent"
        await said(kit, "bob", room, ["Hello bob!"])
        got = (await kit.messages("bob", room))[0]
        assert got["sender"] == f"{room}/alice" and got["origin"] == sent["origin"] and got["mention"]
        await kit.call("chat.send", profile="bob", to=room, body="Hello", wait="server")
        await said(kit, "alice", room, ["Hello bob!", "Hello"])

        async def archived() -> bool:
            return all(message["archive"] for message in await kit.messages("alice", room))

        await kit.until(archived)
        conversation = (await kit.call("history.conversations", profile="bob"))["items"][0]
        assert conversation["kind"] == "room" and conversation["mentions"] == 1
        left = await kit.call("rooms.leave", profile="bob", room=room)
        assert left.get("state", "left") == "left" and left["autojoin"] is False
        await room_is(kit, "alice", room, members=1)
        with pytest.raises(SalutError) as refused:
            await kit.call("chat.send", profile="bob", to=room, body="still there?")
        assert refused.value.data["condition"] == "not-joined"
