# SPDX-License-Identifier: AGPL-3.0-or-later
"""With profanity (Debian's): messages, receipts, corrections, typing, rooms."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from devkit.profanity import Profanity
from devkit.servers import XmppServer
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.rooms.test_rooms_server import fresh_room, join


async def shown(kit: EngineKit, conversation: str, body: str, **wanted: object) -> dict[str, Any]:
    """Wait until alice's conversation holds a message like this."""

    async def look() -> dict[str, Any] | None:
        for message in await kit.messages("alice", conversation):
            if message["body"] == body and all(message.get(name) == value for name, value in wanted.items()):
                return message
        return None

    found: dict[str, Any] = await kit.until(look)
    return found


async def test_people_talk_with_receipts_and_corrections(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path / "engine", server, {"alice": alice}) as kit:
        with Profanity(tmp_path, server, bob) as other:
            for line in (
                "/receipts request on",
                "/receipts send on",
                "/correction on",
                f"/msg {alice.jid} Whne?",
            ):
                other.type(line)
            await shown(kit, bob.jid, "Whne?")
            await asyncio.to_thread(other.wait_for, "me.*Whne")
            other.type("/correct When?")
            corrected = await shown(kit, bob.jid, "When?")
            assert corrected["edited_at"] and len(await kit.messages("alice", bob.jid)) == 1
            sent = await kit.call(
                "chat.send", profile="alice", to=bob.jid, body="At foru", wait="delivered", timeout=20
            )
            assert sent["state"] in ("delivered", "read")
            await asyncio.to_thread(other.wait_for, "At foru")
            await kit.call("edits.edit", profile="alice", message=sent["id"], body="At four")
            screen = await asyncio.to_thread(other.wait_for, "At four")
            assert "At foru" not in screen
            other.type("Good – bis später!")
            await shown(kit, bob.jid, "Good – bis später!", state="received")


async def test_people_meet_in_a_room(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    room = fresh_room(server)
    async with running_engine(tmp_path / "engine", server, {"alice": alice}) as kit:
        await join(kit, "alice", room)
        with Profanity(tmp_path, server, bob) as other:
            other.type(f"/join {room} nick bob")
            await asyncio.to_thread(other.wait_for, "alice")
            other.type("alice: hello from a terminal")
            got = await shown(kit, room, "alice: hello from a terminal", mention=True)
            assert got["sender"] == f"{room}/bob"
            await kit.call("chat.send", profile="alice", to=room, body="hello bob", wait="server")
            await asyncio.to_thread(other.wait_for, "alice.*hello bob")
            page = await kit.call("rooms.members", profile="alice", room=room)
            assert {member["nick"] for member in page["items"]} == {"alice", "bob"}
            await kit.call("rooms.topic", profile="alice", room=room, text="Tea at four")
            await asyncio.to_thread(other.wait_for, "Tea at four")
