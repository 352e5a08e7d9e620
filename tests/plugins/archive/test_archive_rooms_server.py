# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms' archives on real servers: what was said while we were out, once and in order."""

from __future__ import annotations

import secrets
from pathlib import Path

from devkit.servers import XmppServer
from tests.engine_kit import EngineKit, running_engine


async def say(kit: EngineKit, profile: str, room: str, first: int, last: int) -> list[str]:
    """Numbered messages to a room, with the server when this returns."""
    said = [f"room message {number}" for number in range(first, last)]
    for body in said:
        await kit.call("chat.send", profile=profile, to=room, body=body, wait="server")
    return said


async def heard(kit: EngineKit, profile: str, room: str, expected: list[str]) -> None:
    """Until the profile has as many of a room's messages, and no gap; they must be exactly these."""

    async def there() -> bool:
        gaps = await kit.call("archive.gaps", profile=profile)
        if any(not gap.get("manual") for gap in gaps):
            return False
        return len(await kit.messages(profile, room)) >= len(expected)

    await kit.until(there, 40)
    assert [m["body"] for m in await kit.messages(profile, room)] == expected


async def test_what_a_room_said_while_we_were_out(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    room = f"room-{secrets.token_hex(4)}@{server.muc}"
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("rooms.join", profile="alice", room=room, nick="alice")
        await kit.call("rooms.join", profile="bob", room=room, nick="bob")
        expected = await say(kit, "alice", room, 0, 5)
        await heard(kit, "bob", room, expected)
        expected += await say(kit, "bob", room, 5, 8)
        await heard(kit, "bob", room, expected)
        for start in (8, 200):  # more than a room replays, and then again after a live phase
            await kit.call("profiles.disconnect", profile="bob")
            expected += await say(kit, "alice", room, start, start + 120)
            await kit.call("profiles.connect", profile="bob", wait=20)
            await heard(kit, "bob", room, expected)
            expected += await say(kit, "bob", room, start + 120, start + 123)
            await heard(kit, "bob", room, expected)
        await heard(kit, "alice", room, expected)


async def test_old_messages_of_a_room(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    room = f"room-{secrets.token_hex(4)}@{server.muc}"
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("rooms.join", profile="alice", room=room, nick="alice")
        said = await say(kit, "alice", room, 0, 130)
        await kit.call("rooms.join", profile="bob", room=room, nick="bob")

        async def first_read() -> bool:
            gaps = await kit.call("archive.gaps", profile="bob")
            return any(gap.get("archive") == room and gap.get("manual") for gap in gaps)

        await kit.until(first_read)
        got = [m["body"] for m in await kit.messages("bob", room)]
        assert got == said[-len(got) :]
        page = await kit.call("archive.older", profile="bob", conversation=room, limit=10)
        assert len(page["items"]) == 10
        assert [m["body"] for m in await kit.messages("bob", room)] == said[-len(got) - 10 :]
        assert await kit.call("archive.fill", profile="bob") == []
        assert [m["body"] for m in await kit.messages("bob", room)] == said
