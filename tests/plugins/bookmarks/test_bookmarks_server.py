# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bookmarks on real servers: two daemons of one account follow each other."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from devkit.servers import Account, XmppServer
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.rooms.test_rooms_server import fresh_room, join, room_is


@contextlib.asynccontextmanager
async def two_daemons(
    server: XmppServer, folder: Path, account: Account
) -> AsyncIterator[tuple[EngineKit, EngineKit]]:
    """Two daemons of one account, each with it as its profile ``me``."""
    async with (
        running_engine(folder / "desk", server, {"me": account}) as desk,
        running_engine(folder / "phone", server, {"me": account}) as phone,
    ):
        yield desk, phone


async def bookmark(kit: EngineKit, room: str) -> dict[str, Any] | None:
    """A bookmark as a window sees it."""
    for found in await kit.call("bookmarks.list", profile="me"):
        if found["address"] == room:
            shown: dict[str, Any] = {"name": "", "nick": "", "autojoin": False} | found
            return shown
    return None


async def bookmark_is(kit: EngineKit, room: str, **wanted: Any) -> None:
    """Wait until a bookmark is shown so."""

    async def so() -> bool:
        found = await bookmark(kit, room)
        return found is not None and all(found[key] == value for key, value in wanted.items())

    await kit.until(so)


async def bookmark_gone(kit: EngineKit, room: str) -> None:
    """Wait until there is no such bookmark."""

    async def so() -> bool:
        return await bookmark(kit, room) is None

    await kit.until(so)


async def test_c21_bookmarks_follow_the_user(server: XmppServer, tmp_path: Path) -> None:
    """Rooms joined, renamed and left on one device are so on the other."""
    account = server.account("romeo")
    room = fresh_room(server)
    async with two_daemons(server, tmp_path, account) as (desk, phone):
        await join(desk, "me", room, "Romeo")
        await bookmark_is(phone, room, nick="Romeo", autojoin=True)
        await room_is(phone, "me", room, state="joined", nick="Romeo", autojoin=True)

        await phone.call("bookmarks.set", profile="me", room=room, name="The orchard")
        await bookmark_is(desk, room, name="The orchard", autojoin=True)

        await phone.call("rooms.leave", profile="me", room=room)
        await room_is(desk, "me", room, state="left", autojoin=False)
        await bookmark_is(desk, room, name="The orchard", nick="Romeo", autojoin=False)

        await desk.call("bookmarks.set", profile="me", room=room, autojoin=True)
        await room_is(desk, "me", room, state="joined")
        await room_is(phone, "me", room, state="joined")

        await desk.call("bookmarks.remove", profile="me", room=room)
        await room_is(desk, "me", room, state="left", autojoin=False)
        await room_is(phone, "me", room, state="left", autojoin=False)
        await bookmark_gone(phone, room)
        await bookmark_gone(desk, room)


async def test_c21_what_happened_while_a_device_was_away(server: XmppServer, tmp_path: Path) -> None:
    account = server.account("romeo")
    kept, left, removed, new = (fresh_room(server) for _ in range(4))
    async with two_daemons(server, tmp_path, account) as (desk, phone):
        for room in (kept, left, removed):
            await join(desk, "me", room, "Romeo")
            await room_is(phone, "me", room, state="joined")
        await phone.call("profiles.disconnect", profile="me")
        await desk.call("rooms.leave", profile="me", room=left)
        await desk.call("bookmarks.remove", profile="me", room=removed)
        await join(desk, "me", new, "Romeo")
        await phone.call("bookmarks.set", profile="me", room=kept, name="Kept while away")
        await desk.until(lambda: quiet(desk))
        await phone.call("profiles.connect", profile="me", wait=20)
        await room_is(phone, "me", new, state="joined")
        await room_is(phone, "me", kept, state="joined")
        await room_is(phone, "me", left, state="left", autojoin=False)
        await room_is(phone, "me", removed, state="left", autojoin=False)
        await bookmark_gone(phone, removed)
        await bookmark_is(desk, kept, name="Kept while away", autojoin=True)


async def quiet(kit: EngineKit) -> bool:
    """Whether the server knows all that this device changed."""
    pid = kit.engine.journal.journals.pids["me"]
    rows = await kit.engine.readers.read(
        lambda read: read.all("SELECT address FROM bookmark WHERE pid=? AND due<>0", (pid,))
    )
    return not rows


async def test_c21_a_new_device_joins_what_there_is(server: XmppServer, tmp_path: Path) -> None:
    account = server.account("romeo")
    room, secret = fresh_room(server), fresh_room(server)
    async with running_engine(tmp_path / "desk", server, {"me": account}) as desk:
        await join(desk, "me", room, "Romeo")
        await desk.call("bookmarks.set", profile="me", room=secret, name="Not joined", nick="R")
        await desk.until(lambda: quiet(desk))
    async with running_engine(tmp_path / "new", server, {"me": account}) as new:
        await room_is(new, "me", room, state="joined", nick="Romeo")
        await bookmark_is(new, secret, name="Not joined", nick="R", autojoin=False)
        assert [shown["address"] for shown in await new.call("rooms.list", profile="me")] == [room]
