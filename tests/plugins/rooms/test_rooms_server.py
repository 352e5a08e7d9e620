# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms on real servers: in, talk, out, and in again."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from salut.plugins.rooms.api import Room
from tests.engine_kit import EngineKit, running_engine
from tests.xmpp.support import Line

DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Room) if not field.required}


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
            if shown["address"] == room and all((DEFAULTS | shown).get(k) == v for k, v in wanted.items()):
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
        await kit.call("chat.typing", profile="bob", conversation=room, state="composing")

        async def typing() -> bool:
            return ("alice", "typing", f"{room} {room}/bob") in kit.engine.journal.passing_now()

        await kit.until(typing)
        assert not [
            key
            for (profile, kind, key) in kit.engine.journal.passing_now()
            if (profile, kind) == ("bob", "typing")
        ]
        conversation = (await kit.call("history.conversations", profile="bob"))["items"][0]
        assert conversation["kind"] == "room" and conversation["mentions"] == 1
        left = await kit.call("rooms.leave", profile="bob", room=room)
        assert left.get("state", "left") == "left" and left["autojoin"] is False
        await room_is(kit, "alice", room, members=1)
        with pytest.raises(SalutError) as refused:
            await kit.call("chat.send", profile="bob", to=room, body="still there?")
        assert refused.value.data["condition"] == "not-joined"


async def test_topic_members_and_nicks(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        shown = await kit.call("rooms.topic", profile="alice", room=room, text="Spring & <summer>")
        assert (shown["topic"], shown["topic_by"]) == ("Spring & <summer>", "alice")
        await room_is(kit, "bob", room, topic="Spring & <summer>", topic_by="alice")
        assert await bodies(kit, "bob", room) == []
        await admin(kit, "alice", room, "<item nick='bob' role='visitor'/>")
        with pytest.raises(SalutError) as forbidden:
            await kit.call("rooms.topic", profile="bob", room=room, text="Mine")
        assert forbidden.value.code == "refused" and forbidden.value.data["condition"] == "forbidden"
        page = await kit.call("rooms.members", profile="bob", room=room, limit=1)
        for member in page["items"]:
            member.pop("occupant", "")  # ejabberd 23.01 has none
        assert page["items"] == [{"room": room, "nick": "alice", "role": "moderator", "affiliation": "owner"}]
        page = await kit.call("rooms.members", profile="bob", room=room, after=page["after"])
        assert [(m["nick"], m["me"]) for m in page["items"]] == [("bob", True)]
        assert page["after"] is None

        assert (await join(kit, "bob", room, "robert"))["nick"] == "robert"

        async def renamed() -> bool:
            members = await kit.call("rooms.members", profile="alice", room=room)
            return [m["nick"] for m in members["items"]] == ["alice", "robert"]

        await kit.until(renamed)
        with pytest.raises(SalutError) as taken:
            await join(kit, "bob", room, "alice")
        assert taken.value.data["condition"] == "conflict"
        assert (await room_is(kit, "bob", room, state="joined"))["nick"] == "robert"


async def test_name_that_is_taken(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room, "ann")
        with pytest.raises(SalutError) as taken:
            await join(kit, "bob", room, "ann")
        assert taken.value.code == "refused"
        assert (taken.value.data["condition"], taken.value.data["suggestion"]) == ("conflict", "ann_")
        assert await kit.call("rooms.list", profile="bob") == []
        assert (await join(kit, "bob", room, str(taken.value.data["suggestion"])))["nick"] == "ann_"


async def test_private_messages(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        sent = await kit.call("chat.send", profile="alice", to=f"{room}/bob", body="psst", wait="server")
        assert (sent["kind"], sent["conversation"]) == ("private", f"{room}/bob")
        await said(kit, "bob", f"{room}/alice", ["psst"])
        assert (await kit.messages("bob", f"{room}/alice"))[0]["kind"] == "private"
        await kit.call("chat.send", profile="bob", to=f"{room}/alice", body="yes?")
        await said(kit, "alice", f"{room}/bob", ["psst", "yes?"])
        assert await bodies(kit, "alice", room) == []
        nobody = await kit.call("chat.send", profile="alice", to=f"{room}/nobody", body="hm")

        async def failed() -> bool:
            message = await kit.call("history.get", profile="alice", message=nobody["id"])
            return message["state"] == "failed" and bool(message["error"])

        await kit.until(failed)


async def admin(kit: EngineKit, profile: str, room: str, query: str, space: str = "admin") -> None:
    """Do as the room's owner does, by hand."""
    await kit.links[profile]._session.iq(
        "set", f"<query xmlns='http://jabber.org/protocol/muc#{space}'>{query}</query>", room
    )


async def test_put_out(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        kick = "<item nick='bob' role='none'><reason>Too loud</reason></item>"
        await admin(kit, "alice", room, kick)
        shown = await room_is(kit, "bob", room, state="failed")
        assert "kicked" in shown["error"] and "Too loud" in shown["error"]
        assert shown.get("members", 0) == 0
        with pytest.raises(SalutError, match="kicked"):
            await kit.call("chat.send", profile="bob", to=room, body="why?")
        await join(kit, "bob", room)
        bob = accounts["bob"].jid
        await admin(kit, "alice", room, f"<item jid='{bob}' affiliation='outcast'/>")
        assert "banned" in (await room_is(kit, "bob", room, state="failed"))["error"]
        with pytest.raises(SalutError) as banned:
            await join(kit, "bob", room)
        assert banned.value.data["condition"] == "forbidden"
        await admin(kit, "alice", room, f"<item jid='{bob}' affiliation='none'/>")
        await join(kit, "bob", room)
        other = fresh_room(server)
        await admin(
            kit, "alice", room, f"<destroy jid='{other}'><reason>We moved</reason></destroy>", "owner"
        )
        shown = await room_is(kit, "bob", room, state="failed", autojoin=False)
        assert "We moved" in shown["error"] and other in shown["error"]


async def test_in_again_after_the_server_restarted(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        await kit.call("chat.send", profile="alice", to=room, body="before", wait="server")
        await said(kit, "bob", room, ["before"])
        server.stop()

        async def cut() -> bool:
            return all(p["link"]["state"] != "online" for p in await kit.call("profiles.list"))

        await kit.until(cut)
        late = await kit.call("chat.send", profile="alice", to=room, body="meanwhile")
        assert late["state"] == "pending"
        server.start()
        for profile in accounts:
            await kit.call("profiles.connect", profile=profile)
        for profile in accounts:
            await room_is(kit, profile, room, state="joined", members=2)
        await said(kit, "bob", room, ["before", "meanwhile"])
        await said(kit, "alice", room, ["before", "meanwhile"])


class OneWay(Line):
    """A line on which one direction can be held up; what is held is lost with the connection."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.down = asyncio.Event()  # from the server
        self.up = asyncio.Event()
        self.down.set()
        self.up.set()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ = self.down if writer.get_extra_info("sockname")[1] == self.port else self.up
        while data := await reader.read(65536):
            await open_.wait()
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


@pytest.mark.parametrize("arrived", [True, False])
async def test_once_though_cut_between_sending_and_hearing_it(
    server: XmppServer, tmp_path: Path, arrived: bool
) -> None:
    room = fresh_room(server)
    bob = server.account("bob")
    async with OneWay(server.c2s_port) as line, running_engine(tmp_path, server, {"bob": bob}) as kit:
        alice = server.account("alice")
        settings = {"host": "127.0.0.1", "port": line.port, "ca_file": str(server.ca_file)}
        await kit.call(
            "profiles.create", name="alice", address=alice.jid, password=alice.password, settings=settings
        )
        await kit.call("profiles.connect", profile="alice", wait=20)
        await join(kit, "bob", room)
        await join(kit, "alice", room)
        await kit.call("chat.send", profile="alice", to=room, body="one", wait="server")
        line.down.clear()
        if not arrived:
            line.up.clear()
        sent = await kit.call("chat.send", profile="alice", to=room, body="two")
        if arrived:
            await said(kit, "bob", room, ["one", "two"])
        await kit.call("profiles.disconnect", profile="alice")
        state = (await kit.call("history.get", profile="alice", message=sent["id"]))["state"]
        assert state == "pending"
        line.cut()
        line.down.set()
        line.up.set()
        await kit.call("profiles.connect", profile="alice", wait=20)
        await room_is(kit, "alice", room, state="joined")
        await kit.call("chat.send", profile="alice", to=room, body="three", wait="server")
        await said(kit, "bob", room, ["one", "two", "three"])
        await said(kit, "alice", room, ["one", "two", "three"])
        assert [m["state"] for m in await kit.messages("alice", room)] == ["sent"] * 3


async def test_status_reaches_the_room(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        await kit.call("presence.set", profile="bob", show="away", status="Tea")

        async def told() -> bool:
            items = (await kit.call("rooms.members", profile="alice", room=room))["items"]
            return [(m.get("show"), m.get("status")) for m in items] == [(None, None), ("away", "Tea")]

        await kit.until(told)
        await kit.call("presence.set", profile="bob", show="offline")
        await room_is(kit, "alice", room, members=1)
        await room_is(kit, "bob", room, state="left", autojoin=True)
        await kit.call("presence.set", profile="bob", show="online")
        await room_is(kit, "alice", room, members=2)


def holds(folder: Path, secret: bytes) -> list[str]:
    """Files that hold a secret in clear."""
    return [file.name for file in folder.iterdir() if file.is_file() and secret in file.read_bytes()]


async def protect(kit: EngineKit, room: str, password: str) -> None:
    """Give a room of alice's a password, and let it last."""
    fields = {
        "FORM_TYPE": "http://jabber.org/protocol/muc#roomconfig",
        "muc#roomconfig_roomname": "The coven",
        "muc#roomconfig_persistentroom": "1",
        "muc#roomconfig_passwordprotectedroom": "1",
        "muc#roomconfig_roomsecret": password,
    }
    form = "".join(f"<field var='{name}'><value>{value}</value></field>" for name, value in fields.items())
    await admin(kit, "alice", room, f"<x xmlns='jabber:x:data' type='submit'>{form}</x>", "owner")


async def test_password_and_another_start_of_the_daemon(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await protect(kit, room, "sesame")
        await room_is(kit, "alice", room, name="The coven")
        await join(kit, "alice", room, password="sesame")  # so that she gets in again
        with pytest.raises(SalutError) as refused:
            await join(kit, "bob", room)
        assert refused.value.data["condition"] == "not-authorized"
        await join(kit, "bob", room, password="sesame")
        await kit.call("chat.send", profile="alice", to=room, body="first", wait="server")
        await said(kit, "bob", room, ["first"])
    assert not holds(tmp_path, b"sesame")
    async with running_engine(tmp_path) as kit:
        assert [r.get("state", "left") for r in await kit.call("rooms.list", profile="bob")] != ["failed"]
        await room_is(kit, "bob", room, state="joined", name="The coven")
        await room_is(kit, "alice", room, state="joined", members=2)
        await kit.call("chat.send", profile="alice", to=room, body="second", wait="server")
        await said(kit, "bob", room, ["first", "second"])
        shown = (await kit.call("history.conversations", profile="bob"))["items"][0]
        assert (shown["title"], shown["unread"]) == ("The coven", 2)
        await kit.call("profiles.delete", profile="bob")
        await room_is(kit, "alice", room, members=1)
