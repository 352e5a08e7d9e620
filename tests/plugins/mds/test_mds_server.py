# SPDX-License-Identifier: AGPL-3.0-or-later
"""Read on one device, read on all (XEP-0490), on real servers: two daemons of one account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devkit.servers import XmppServer
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.bookmarks.test_bookmarks_server import two_daemons
from tests.plugins.rooms.test_rooms_server import fresh_room, join, room_is


async def unread(kit: EngineKit, address: str) -> int | None:
    """How many messages of a conversation are unread; ``None``: there is no such conversation."""
    page = await kit.call("history.conversations", profile="me")
    found: list[dict[str, Any]] = [c for c in page["items"] if c["address"] == address]
    return int(found[0].get("unread", 0)) if found else None


async def unread_is(kit: EngineKit, address: str, wanted: int) -> None:
    """Wait until that many are unread."""

    async def so() -> bool:
        return await unread(kit, address) == wanted

    await kit.until(so)


async def say(kit: EngineKit, to: str, *bodies: str) -> None:
    """Send messages; the server has them when this returns."""
    for body in bodies:
        await kit.call("chat.send", profile="bob", to=to, body=body, wait="server")


async def test_r2_read_on_one_read_on_all(server: XmppServer, tmp_path: Path) -> None:
    """Contacts, without any marker, and rooms of any size."""
    me, bob = server.account("me"), server.account("bob")
    room = fresh_room(server)
    async with (
        running_engine(tmp_path / "bob", server, {"bob": bob}, without=["markers"]) as friend,
        two_daemons(server, tmp_path, me) as (desk, phone),
    ):
        await say(friend, me.jid, "one", "two", "three")
        for kit in (desk, phone):
            await unread_is(kit, bob.jid, 3)
        messages = await desk.messages("me", bob.jid)
        await desk.call("history.mark_read", profile="me", conversation=bob.jid, up_to=messages[1]["id"])
        await unread_is(phone, bob.jid, 1)
        await phone.call("history.mark_read", profile="me", conversation=bob.jid)
        await unread_is(desk, bob.jid, 0)

        await join(friend, "bob", room)
        await join(desk, "me", room)
        await room_is(phone, "me", room, state="joined")
        await say(friend, room, "four", "five")
        for kit in (desk, phone):
            await unread_is(kit, room, 2)
        await phone.call("history.mark_read", profile="me", conversation=room)
        await unread_is(desk, room, 0)


async def test_r2_read_while_a_device_was_away(server: XmppServer, tmp_path: Path) -> None:
    """It catches up; what it knew already and what it never saw both become read, in whatever order they come."""
    me, bob = server.account("me"), server.account("bob")
    async with (
        running_engine(tmp_path / "bob", server, {"bob": bob}) as friend,
        two_daemons(server, tmp_path, me) as (desk, phone),
    ):
        await say(friend, me.jid, "one")
        for kit in (desk, phone):
            await unread_is(kit, bob.jid, 1)
        await phone.call("profiles.disconnect", profile="me")
        await say(friend, me.jid, "two", "three")
        await unread_is(desk, bob.jid, 3)
        messages = await desk.messages("me", bob.jid)
        await desk.call("history.mark_read", profile="me", conversation=bob.jid, up_to=messages[1]["id"])
        await told(desk)
        await phone.call("profiles.connect", profile="me", wait=20)

        async def caught_up() -> bool:
            return len(await phone.messages("me", bob.jid)) == 3

        await phone.until(caught_up)
        await unread_is(phone, bob.jid, 1)


async def test_r2_read_here_without_a_link_is_told_later(server: XmppServer, tmp_path: Path) -> None:
    me, bob = server.account("me"), server.account("bob")
    async with (
        running_engine(tmp_path / "bob", server, {"bob": bob}) as friend,
        two_daemons(server, tmp_path, me) as (desk, phone),
    ):
        await say(friend, me.jid, "one")
        for kit in (desk, phone):
            await unread_is(kit, bob.jid, 1)
        await desk.call("profiles.disconnect", profile="me")
        await desk.call("history.mark_read", profile="me", conversation=bob.jid)
        assert await unread(phone, bob.jid) == 1
        await desk.call("profiles.connect", profile="me", wait=20)
        await unread_is(phone, bob.jid, 0)


async def told(kit: EngineKit) -> None:
    """Wait until the server knows our marks."""
    pid = kit.engine.journal.journals.pids["me"]

    async def so() -> bool:
        rows = await kit.engine.readers.read(
            lambda read: read.all("SELECT due FROM displayed WHERE pid=? AND address<>''", (pid,))
        )
        return bool(rows) and not any(row[0] for row in rows)

    await kit.until(so)
