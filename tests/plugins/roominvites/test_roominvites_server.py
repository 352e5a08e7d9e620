# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations on real servers: through the room and direct, accepted and declined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.rooms.test_rooms_server import fresh_room, holds, join, room_is
from tests.plugins.roster.test_roster_server import befriend


async def invited(kit: EngineKit, profile: str, room: str) -> dict[str, Any]:
    """Wait for an invitation to a room."""

    async def look() -> dict[str, Any] | None:
        waiting: list[dict[str, Any]] = await kit.call("roominvites.list", profile=profile)
        return next((one for one in waiting if one["room"] == room), None)

    found: dict[str, Any] = await kit.until(look)
    return found


async def messages_of(kit: EngineKit, profile: str) -> list[str]:
    """The conversations of a profile."""
    page = await kit.call("history.conversations", profile=profile)
    return [conversation["address"] for conversation in page["items"]]


@pytest.mark.parametrize("way", ["room", "direct"])
async def test_invited_and_accepted(server: XmppServer, tmp_path: Path, way: str) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room, alice, bob = fresh_room(server), accounts["alice"].jid, accounts["bob"].jid
    async with running_engine(tmp_path, server, accounts) as kit:
        await befriend(kit, "alice", "bob", alice, bob)
        answers = {
            "muc#roomconfig_roomsecret": ["sesame"],
            "muc#roomconfig_persistentroom": ["1"],
        }
        if server.kind == "ejabberd":  # prosody's form has a password alone
            answers["muc#roomconfig_passwordprotectedroom"] = ["1"]
        await kit.call("roomadmin.create", profile="alice", room=room, nick="alice", answers=answers)
        await kit.call("rooms.join", profile="alice", room=room, password="sesame")
        await kit.call(
            "roominvites.send", profile="alice", room=room, address=bob, reason="Come & see", way=way
        )
        got = await invited(kit, "bob", room)
        hidden = (
            way == "room" and server.kind == "prosody"
        )  # it shows nobody's address in a semi-anonymous room
        inviter = f"{room}/alice" if hidden else alice
        assert (got["inviter"], got["reason"]) == (inviter, "Come & see")
        assert (got.get("mediated", False), got.get("stranger", False)) == (way == "room", hidden)
        assert await kit.call("rooms.list", profile="bob") == []  # nobody is taken into a room unasked
        assert room not in await messages_of(kit, "bob")  # a room's words for older clients are no message
        assert not holds(tmp_path, b"sesame")
    async with running_engine(tmp_path) as kit:  # it waits, whatever happens to the daemon
        await invited(kit, "bob", room)
        await kit.call("profiles.connect", profile="bob", wait=20)
        joined = await kit.call("roominvites.accept", profile="bob", room=room, nick="bob")
        assert joined["state"] == "joined"
        assert await kit.call("roominvites.list", profile="bob") == []
        with pytest.raises(SalutError) as again:
            await kit.call("roominvites.accept", profile="bob", room=room)
        assert again.value.code == "not-found"


async def test_members_only_rooms_invite_themselves_and_hear_of_refusals(
    server: XmppServer, tmp_path: Path
) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room, alice, bob = fresh_room(server), accounts["alice"].jid, accounts["bob"].jid
    async with running_engine(tmp_path, server, accounts) as kit:
        await befriend(kit, "alice", "bob", alice, bob)
        await kit.call("roomadmin.create", profile="alice", room=room, nick="alice", private=True)
        await kit.call("roominvites.send", profile="alice", room=room, address=bob)
        assert (await invited(kit, "bob", room))["mediated"]
        await kit.call("roominvites.decline", profile="bob", room=room, reason="Too wet")
        assert await kit.call("roominvites.list", profile="bob") == []

        async def told() -> bytes | None:
            return kit.engine.journal.passing_now().get(("alice", "declined", f"{room} {bob}"))

        assert b"Too wet" in await kit.until(told)
        await kit.call("roominvites.send", profile="alice", room=room, address=bob)
        await invited(kit, "bob", room)
        joined = await kit.call("roominvites.accept", profile="bob", room=room)
        assert joined["affiliation"] == "member"  # the invitation made one of him
        with pytest.raises(SalutError) as refused:
            await kit.call(
                "roominvites.send", profile="bob", room=room, address="carol@example.org", way="room"
            )
        assert refused.value.code == "refused" and refused.value.data["room"] == room


async def test_strangers_do_not_ring_and_rooms_that_we_are_in_need_no_invitation(
    server: XmppServer, tmp_path: Path
) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room, other, bob = fresh_room(server), fresh_room(server), accounts["bob"].jid
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "alice", other)
        await join(kit, "bob", other)
        await room_is(kit, "alice", other, members=2)
        for way in ("room", "direct"):
            await kit.call("roominvites.send", profile="alice", room=other, address=bob, way=way)
        await kit.call("roominvites.send", profile="alice", room=room, address=bob, way="direct")
        assert (await invited(kit, "bob", room))["stranger"]
        assert [one["room"] for one in await kit.call("roominvites.list", profile="bob")] == [room]
        await join(kit, "bob", room)  # by another way

        async def gone() -> bool:
            return bool(await kit.call("roominvites.list", profile="bob") == [])

        await kit.until(gone)
