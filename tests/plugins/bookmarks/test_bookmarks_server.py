# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bookmarks on real servers: two daemons of one account follow each other."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element

from devkit.servers import Account, XmppServer
from salut.plugins.bookmarks.plugin import BookmarksPlugin
from salut.plugins.preferences.api import FOREVER
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.rooms.test_rooms_server import fresh_room, join, room_is

PUBSUB = "http://jabber.org/protocol/pubsub"
NODE = "urn:xmpp:bookmarks:1"
LATER = 4_000_000_000_000_000  # in the year 2096


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
    plugin = cast("BookmarksPlugin", kit.engine.plugins.plugins["bookmarks"])
    return not any(entry.due for entry in plugin.book.of("me").values())


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


# Other clients of the same account
async def publish(kit: EngineKit, room: str, conference: str) -> None:
    """What another client does (XEP-0402 section 3.3)."""
    await kit.session("me").iq(
        "set",
        f"<pubsub xmlns='{PUBSUB}'><publish node='{NODE}'><item id='{room}'>{conference}</item></publish></pubsub>",
    )


async def retract(kit: EngineKit, room: str) -> None:
    """Section 3.5."""
    await kit.session("me").iq(
        "set",
        f"<pubsub xmlns='{PUBSUB}'><retract node='{NODE}' notify='true'><item id='{room}'/></retract></pubsub>",
    )


async def item(kit: EngineKit, room: str) -> Element | None:
    """The bookmark as the server has it."""
    answer = await kit.session("me").iq("get", f"<pubsub xmlns='{PUBSUB}'><items node='{NODE}'/></pubsub>")
    return answer.find(f".//{{{PUBSUB}}}item[@id='{room}']/{{{NODE}}}conference")


async def private(kit: EngineKit) -> Element | None:
    """The list as a client of XEP-0048 and XEP-0049 sees it."""
    query = "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>"
    answer = await kit.session("me").iq("get", query)
    return answer.find(".//{storage:bookmarks}storage")


async def old_client_writes(kit: EngineKit, *conferences: str) -> None:
    """What such a client does: it writes the whole list."""
    await kit.session("me").iq(
        "set",
        "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>"
        f"{''.join(conferences)}</storage></query>",
    )


async def test_what_another_client_keeps_in_a_bookmark_is_not_lost(
    server: XmppServer, tmp_path: Path
) -> None:
    account, other = server.account("me"), server.account("host")
    room = fresh_room(server)
    async with running_engine(tmp_path, server, {"me": account, "host": other}) as kit:
        await join(kit, "host", room)  # so that the room stays
        await join(kit, "me", room, "Mine")
        await kit.until(lambda: quiet(kit))
        state = "<state xmlns='http://myclient.example/bookmark/state' minimized='true'/>"
        await publish(
            kit,
            room,
            f"<conference xmlns='{NODE}' autojoin='1' name='Theirs'><nick>Other</nick><password>pw</password>"
            f"<extensions>{state}</extensions></conference>",
        )
        await room_is(kit, "me", room, state="joined", nick="Other")
        await bookmark_is(kit, room, name="Theirs", nick="Other")
        await kit.call("bookmarks.set", profile="me", room=room, name="Ours")
        await kit.call("preferences.pin", profile="me", conversation=room)
        await kit.until(lambda: quiet(kit))
        found = await item(kit, room)
        assert found is not None and found.get("name") == "Ours"
        assert found.findtext(f"{{{NODE}}}password") == "pw"
        assert found.find(".//{http://myclient.example/bookmark/state}state[@minimized='true']") is not None
        assert found.find(".//{urn:xmpp:bookmarks-pinning:0}pinned") is not None
        await kit.until(lambda: quiet(kit))
        await retract(kit, room)
        if server.kind == "ejabberd":  # 23.01 tells nobody of a retraction; the next connection shows it
            await kit.call("profiles.disconnect", profile="me")
            await kit.call("profiles.connect", profile="me", wait=20)
        await room_is(kit, "me", room, state="left", autojoin=False)
        await bookmark_gone(kit, room)
        assert await kit.call("preferences.list", profile="me") == []  # the pin was the bookmark's


async def test_passwords_follow_and_are_sealed(server: XmppServer, tmp_path: Path) -> None:
    account, owner = server.account("me"), server.account("owner")
    room = fresh_room(server)
    async with running_engine(tmp_path / "owner", server, {"owner": owner}) as host:
        await join(host, "owner", room)
        form = (
            "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>"
            "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
            "<field var='muc#roomconfig_passwordprotectedroom'><value>1</value></field>"
            "<field var='muc#roomconfig_roomsecret'><value>cauldronburn</value></field></x></query>"
        )
        await host.session("owner").iq("set", form, room)
        async with two_daemons(server, tmp_path, account) as (desk, phone):
            await join(desk, "me", room, "Romeo", password="cauldronburn")
            await room_is(phone, "me", room, state="joined")
            pid = phone.engine.journal.journals.pids["me"]
            rows = await phone.engine.readers.read(
                lambda read: read.all("SELECT * FROM bookmark WHERE pid=?", (pid,))
            )
            assert rows and "cauldronburn" not in repr(rows)
            await desk.call("settings.set", values={"bookmarks.passwords": False})
            storage = await private(desk)
            if storage is not None and server.kind == "ejabberd":  # written by us there: never with passwords
                assert storage.find(".//{storage:bookmarks}password") is None


async def test_clients_of_the_old_format(server: XmppServer, tmp_path: Path) -> None:
    """Prosody unifies both formats itself (#compat), ejabberd 23.01 leaves it to us."""
    account = server.account("me")
    old, ours = fresh_room(server), fresh_room(server)
    async with running_engine(tmp_path, server, {"me": account}) as kit:
        await old_client_writes(
            kit, f"<conference jid='{old}' autojoin='true' name='Old'><nick>Elder</nick></conference>"
        )
        await room_is(kit, "me", old, state="joined", nick="Elder")
        await bookmark_is(kit, old, name="Old", autojoin=True)
        await join(kit, "me", ours, "Mine")

        async def both() -> bool:
            storage = await private(kit)
            found = storage.findall("{storage:bookmarks}conference") if storage is not None else []
            return {conference.get("jid") for conference in found} == {old, ours} and bool(
                await item(kit, old) is not None
            )

        await kit.until(both)
        await old_client_writes(
            kit, f"<conference jid='{ours}' autojoin='true' name='Named'><nick>Mine</nick></conference>"
        )
        await room_is(kit, "me", old, state="left", autojoin=False)
        await bookmark_gone(kit, old)
        await bookmark_is(kit, ours, name="Named")
        await room_is(kit, "me", ours, state="joined")


async def test_forged_bookmarks_are_refused(server: XmppServer, tmp_path: Path) -> None:
    """Only our own account tells of our bookmarks, and only its bare address."""
    me, eve = server.account("me"), server.account("eve")
    room = fresh_room(server)
    async with running_engine(tmp_path, server, {"me": me, "eve": eve}) as kit:
        event = (
            f"<event xmlns='{PUBSUB}#event'><items node='{NODE}'><item id='{room}'>"
            f"<conference xmlns='{NODE}' autojoin='1'/></item></items></event>"
        )
        kit.session("eve").send(f"<message to='{kit.session('me').jid}' type='headline'>{event}</message>")
        kit.session("me").send(f"<message to='{kit.session('me').jid}' type='headline'>{event}</message>")
        await kit.call("chat.send", profile="eve", to=me.jid, body="after the forgeries", wait="server")

        async def arrived() -> bool:
            return bool(await kit.messages("me", eve.jid))

        await kit.until(arrived)
        assert await kit.call("bookmarks.list", profile="me") == []
        assert await kit.call("rooms.list", profile="me") == []


async def test_bookmarks_that_lead_nowhere_harm_nothing(server: XmppServer, tmp_path: Path) -> None:
    account = server.account("me")
    room, nowhere = fresh_room(server), "nobody@nowhere.invalid"
    async with running_engine(tmp_path, server, {"me": account}) as kit:
        await join(kit, "me", room, "Me")
        await kit.until(lambda: quiet(kit))
        await publish(kit, "not an address", f"<conference xmlns='{NODE}' autojoin='1'/>")
        await publish(kit, nowhere, f"<conference xmlns='{NODE}' autojoin='1'><nick>x</nick></conference>")
        await bookmark_is(kit, nowhere, autojoin=True)

        async def tried() -> bool:
            shown = await room_is(kit, "me", nowhere, autojoin=True)
            return shown.get("state", "left") in ("joining", "failed")

        await kit.until(tried)
        assert len(await kit.call("bookmarks.list", profile="me")) == 2
        await kit.call("bookmarks.remove", profile="me", room=nowhere)
        await room_is(kit, "me", nowhere, state="left", autojoin=False)
        await room_is(kit, "me", room, state="joined")


async def test_r17_pins_and_mutes_on_all_devices(server: XmppServer, tmp_path: Path) -> None:
    """Of rooms in their bookmarks, of contacts in a private node of our own."""
    account, friend = server.account("me"), "friend@example.org"
    room = fresh_room(server)
    async with two_daemons(server, tmp_path, account) as (desk, phone):
        await join(desk, "me", room, "Me")
        await room_is(phone, "me", room, state="joined")
        for conversation in (room, friend):
            await desk.call("preferences.pin", profile="me", conversation=conversation)
            await phone.until(lambda c=conversation: wished(phone, c, pinned=True))  # type: ignore[misc]
            await phone.call("preferences.notify", profile="me", conversation=conversation, level="never")
            await desk.until(lambda c=conversation: wished(desk, c, pinned=True, notify="never"))  # type: ignore[misc]
            await desk.call("preferences.mute", profile="me", conversation=conversation, until=LATER)
            await phone.until(lambda c=conversation: wished(phone, c, muted_until=LATER))  # type: ignore[misc]
            await phone.call("preferences.mute", profile="me", conversation=conversation, until=0)
            await phone.call("preferences.pin", profile="me", conversation=conversation, on=False)
            await phone.call("preferences.notify", profile="me", conversation=conversation, level="default")

            async def nothing(c: str = conversation) -> bool:
                return c not in [s["address"] for s in await desk.call("preferences.list", profile="me")]

            await desk.until(nothing)
        await phone.call("profiles.disconnect", profile="me")
        await desk.call("preferences.pin", profile="me", conversation=friend)
        await phone.call("preferences.mute", profile="me", conversation="other@example.org")
        await desk.until(lambda: told(desk))
        await phone.call("profiles.connect", profile="me", wait=20)
        await phone.until(lambda: wished(phone, friend, pinned=True))
        await desk.until(lambda: wished(desk, "other@example.org", muted_until=FOREVER))


async def wished(kit: EngineKit, conversation: str, **wanted: Any) -> bool:
    """Whether this is wished of a conversation."""
    settings = await kit.call("preferences.list", profile="me")
    found = [setting for setting in settings if setting["address"] == conversation]
    return bool(found) and all(found[0].get(key) == value for key, value in wanted.items())


async def told(kit: EngineKit) -> bool:
    """Whether the server knows all wishes."""
    pid = kit.engine.journal.journals.pids["me"]
    rows = await kit.engine.readers.read(
        lambda read: read.all("SELECT 1 FROM conversation_setting WHERE pid=? AND pending", (pid,))
    )
    return not rows
