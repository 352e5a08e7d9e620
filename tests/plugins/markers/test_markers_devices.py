# SPDX-License-Identifier: AGPL-3.0-or-later
"""Displayed markers (XEP-0333) of our own other devices, and in rooms."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from devkit.servers import Account, XmppServer
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.bookmarks.test_bookmarks_server import two_daemons
from tests.plugins.mds.test_mds_server import say, unread, unread_is
from tests.plugins.rooms.test_rooms_server import fresh_room, join, room_is

WITHOUT_NODE = ["mds"]  # what moves the mark is the marker alone


async def test_r2_the_marker_of_another_device_moves_the_mark(server: XmppServer, tmp_path: Path) -> None:
    """Its copy (XEP-0280) says so, also to a device whose server has no node for it."""
    me, bob = server.account("me"), server.account("bob")
    async with (
        running_engine(tmp_path / "bob", server, {"bob": bob}) as friend,
        running_engine(tmp_path / "desk", server, {"me": me}, without=WITHOUT_NODE) as desk,
        running_engine(tmp_path / "phone", server, {"me": me}, without=WITHOUT_NODE) as phone,
    ):
        await say(friend, me.jid, "one", "two", "three")
        for kit in (desk, phone):
            kit.meet("me", bob.jid)
            await unread_is(kit, bob.jid, 3)
        messages = await desk.messages("me", bob.jid)
        await desk.call("history.mark_read", profile="me", conversation=bob.jid, up_to=messages[1]["id"])
        await unread_is(phone, bob.jid, 1)
        await phone.call("history.mark_read", profile="me", conversation=bob.jid)
        await unread_is(desk, bob.jid, 0)


async def test_forged_markers_move_no_mark_of_ours(server: XmppServer, tmp_path: Path) -> None:
    """A contact's own marker is about our messages, and a copy that is none of our account's is nobody's."""
    me, eve = server.account("me"), server.account("eve")
    async with running_engine(tmp_path, server, {"me": me, "eve": eve}) as kit:
        await say_as(kit, "eve", me.jid, "read this")
        await unread_is(kit, eve.jid, 1)
        (first,) = await kit.messages("me", eve.jid)
        marker = f"<displayed xmlns='urn:xmpp:chat-markers:0' id='{first['origin']}'/>"
        inner = (
            f"<message xmlns='jabber:client' from='{me.jid}/x' to='{eve.jid}' type='chat'>{marker}</message>"
        )
        carbon = (
            "<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
            f"{inner}</forwarded></sent>"
        )
        for payload in (marker, carbon):
            kit.session("eve").send(f"<message to='{kit.session('me').jid}' type='chat'>{payload}</message>")
        await say_as(kit, "eve", me.jid, "after it")
        await unread_is(kit, eve.jid, 2)


async def say_as(kit: EngineKit, profile: str, to: str, body: str) -> None:
    """Send a message."""
    await kit.call("chat.send", profile=profile, to=to, body=body, wait="server")


async def configure(kit: EngineKit, room: str, **fields: str) -> None:
    """Configure a room as its owner does."""
    inner = "".join(
        f"<field var='muc#roomconfig_{name}'><value>{value}</value></field>" for name, value in fields.items()
    )
    await kit.session("bob").iq(
        "set",
        "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>"
        "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
        f"{inner}</x></query>",
        room,
    )


class Markers:
    """Displayed markers that a session hears."""

    def __init__(self, kit: EngineKit, profile: str) -> None:
        self.heard: list[tuple[str, str]] = []
        kit.wires.router.observe("displayed", self._take)
        self._profile = profile

    def _take(self, account: Any, inbound: Any, via: str) -> None:
        if account.profile == self._profile and not via:
            self.heard.append((inbound.from_, inbound.parts["displayed"]))


async def in_room(server: XmppServer, folder: Path, **fields: str) -> list[tuple[str, str]]:
    """What a room's members hear when one of them, with two devices, has read a message; and what the devices make
    of it."""
    me, bob = server.account("me"), server.account("bob")
    room = fresh_room(server)
    async with (
        running_engine(folder / "bob", server, {"bob": bob}) as friend,
        running_engine(folder / "desk", server, {"me": me}, without=WITHOUT_NODE) as desk,
    ):
        markers = Markers(friend, "bob")
        await join(friend, "bob", room)
        await configure(friend, room, **fields)
        await affiliate(friend, room, me)
        await join(desk, "me", room, "Me")
        await room_is(friend, "bob", room, members=2)
        await desk.until(lambda: asked(desk, room, bool(fields)))
        await say(friend, room, "one", "two")
        await unread_is(desk, room, 2)
        await desk.call("history.mark_read", profile="me", conversation=room)
        await asyncio.wait_for(say_back(desk, friend, room), 20)
        newest = (await desk.messages("me", room))[1]
        assert [key for _, key in markers.heard] in ([], [newest["archive"]])
        return [(who.partition("/")[2], key) for who, key in markers.heard]


async def affiliate(kit: EngineKit, room: str, account: Account) -> None:
    """Make an account a member."""
    await kit.session("bob").iq(
        "set",
        "<query xmlns='http://jabber.org/protocol/muc#admin'>"
        f"<item affiliation='member' jid='{account.jid}'/></query>",
        room,
    )


async def asked(kit: EngineKit, room: str, private: bool) -> bool:
    """Whether the room has said what it is."""
    port: Any = kit.engine.plugins.plugins["rooms"].port()
    return bool(port.private("me", room) is private and port.ready("me", room))


async def say_back(desk: EngineKit, friend: EngineKit, room: str) -> None:
    """Whatever the desk sent before has come when this has."""
    await say_as(desk, "me", room, "done")

    async def came() -> bool:
        return "done" in [message["body"] for message in await friend.messages("bob", room)]

    await friend.until(came)


async def test_small_private_rooms_learn_what_we_read(server: XmppServer, tmp_path: Path) -> None:
    fields = {"membersonly": "1", "whois": "anyone"}
    ((who, _key),) = await in_room(server, tmp_path, **fields)
    assert who == "Me"


async def test_public_rooms_do_not(server: XmppServer, tmp_path: Path) -> None:
    assert await in_room(server, tmp_path) == []


async def test_r2_our_own_marker_in_a_room_is_heard_by_our_other_device(
    server: XmppServer, tmp_path: Path
) -> None:
    me, bob = server.account("me"), server.account("bob")
    room = fresh_room(server)
    async with (
        running_engine(tmp_path / "bob", server, {"bob": bob}) as friend,
        two_daemons(server, tmp_path, me) as (desk, phone),
    ):
        await join(friend, "bob", room)
        await join(desk, "me", room, "Me")
        await room_is(phone, "me", room, state="joined", nick="Me")
        await say(friend, room, "one", "two")
        for kit in (desk, phone):
            await unread_is(kit, room, 2)
        first, second = await desk.messages("me", room)
        marker = "<displayed xmlns='urn:xmpp:chat-markers:0' id='{}'/>"
        friend.session("bob").send(
            f"<message to='{room}' type='groupchat'>{marker.format(second['archive'])}</message>"
        )
        desk.session("me").send(
            f"<message to='{room}' type='groupchat'>{marker.format(first['archive'])}</message>"
        )
        await unread_is(phone, room, 1)
        assert await unread(phone, room) == 1  # bob's marker, which came before, moved nothing
