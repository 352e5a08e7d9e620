# SPDX-License-Identifier: AGPL-3.0-or-later
"""Staying in rooms on real servers: lost stays are noticed, taken names get around, occupants stay who they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from salut.plugins.rooms import keeper as keeping
from salut.plugins.rooms import watch as watching
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.rooms.test_rooms_server import fresh_room, join, room_is, said


def port(kit: EngineKit) -> Any:
    """The service of rooms."""
    return kit.engine.plugins.plugins["rooms"].port()


async def test_a_room_that_forgot_us_is_entered_again(
    server: XmppServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "RETRY_SECONDS", 0.05)
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        rooms = port(kit)
        kept = rooms.keeper.find("alice", room)
        await rooms.keeper.watch.ask(kept)
        assert (
            kept.stay.shown.state == "joined" and kept.pulse is not None
        )  # asked while inside: nothing happens
        # The room forgets alice, and what it says of that is lost on the way.
        heard = rooms.hearing.told
        monkeypatch.setattr(
            rooms.hearing, "told", lambda profile, told: heard(profile, told) if profile != "alice" else None
        )
        kit.session("alice").send(f"<presence to='{room}/alice' type='unavailable'/>")
        await room_is(kit, "bob", room, members=1)
        monkeypatch.setattr(rooms.hearing, "told", heard)
        assert kept.stay.shown.state == "joined"
        await rooms.keeper.watch.ask(kept)
        await room_is(kit, "bob", room, members=2)
        await room_is(kit, "alice", room, state="joined", error="")
        await kit.call("chat.send", profile="bob", to=room, body="here again", wait="server")
        await said(kit, "alice", room, ["here again"])


async def test_silence_asks_by_itself(
    prosody: XmppServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "TICK", 0.02)
    monkeypatch.setattr("salut.plugins.rooms.pulse.SILENCE", 0.0)
    room = fresh_room(prosody)
    async with running_engine(tmp_path, prosody, {"alice": prosody.account("alice")}) as kit:
        rooms = port(kit)
        asked: list[str] = []
        ping = rooms.keeper.protocol.ping

        async def pinged(link: Any, to: str, timeout: float) -> str:
            asked.append(to)
            answer: str = await ping(link, to, timeout)
            return answer

        monkeypatch.setattr(rooms.keeper.protocol, "ping", pinged)
        await join(kit, "alice", room)

        async def was_asked() -> bool:
            return bool(asked)

        await kit.until(was_asked)
        assert asked[0] == f"{room}/alice"
        assert (await room_is(kit, "alice", room, state="joined"))["members"] == 1
        await kit.call("rooms.leave", profile="alice", room=room)


async def test_a_taken_name_is_told_or_got_around(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        lasting = {"persistentroom": ["1"]}
        await kit.call("roomadmin.create", profile="alice", room=room, nick="crone", answers=lasting)
        with pytest.raises(SalutError) as taken:
            await join(kit, "bob", room, "crone")
        assert (taken.value.data["condition"], taken.value.data["suggestion"]) == ("conflict", "crone_")
        got = await join(kit, "bob", room, "crone", other_nick=True)
        assert (got["state"], got["nick"], got["wanted"]) == ("joined", "crone_", "crone")
        # While bob is away the name becomes free: the daemon comes back under the wanted one.
        await kit.call("profiles.disconnect", profile="bob")
        await room_is(kit, "alice", room, members=1)
        await join(kit, "alice", room, "firstwitch")
        await kit.call("profiles.connect", profile="bob", wait=20)
        await room_is(kit, "bob", room, state="joined", nick="crone", wanted="")
        # And while he is away again somebody takes it: another one rather than to stay outside.
        await kit.call("profiles.disconnect", profile="bob")
        await room_is(kit, "alice", room, members=1)
        await join(kit, "alice", room, "crone")
        await kit.call("profiles.connect", profile="bob", wait=20)
        await room_is(kit, "bob", room, state="joined", nick="crone_", wanted="crone")


async def test_a_room_that_vanished_under_us_is_noticed(
    prosody: XmppServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """prosody 0.12 drops a room that is not to last when the last one in it changes the nick, and tells nobody."""
    monkeypatch.setattr(keeping, "RETRY_SECONDS", 0.05)
    room = fresh_room(prosody)
    async with running_engine(tmp_path, prosody, {"alice": prosody.account("alice")}) as kit:
        await join(kit, "alice", room)
        await join(kit, "alice", room, "crone")
        with pytest.raises(SalutError):
            await join(kit, "alice", room, "firstwitch")
        await room_is(kit, "alice", room, state="failed", nick="crone")
        await room_is(kit, "alice", room, state="joined", nick="crone")
        await kit.call("chat.send", profile="alice", to=room, body="anybody here?", wait="server")


async def test_an_occupant_is_the_same_under_another_name(prosody: XmppServer, tmp_path: Path) -> None:
    """ejabberd 23.01 has no XEP-0421; there nobody is believed (``test_a_forged_occupant_id…``)."""
    accounts = {"alice": prosody.account("alice"), "bob": prosody.account("bob")}
    room = fresh_room(prosody)
    async with running_engine(tmp_path, prosody, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)

        async def asked() -> bool:  # who makes a room can ask it only afterwards
            return bool(port(kit).vouches("alice", room) and port(kit).vouches("bob", room))

        await kit.until(asked)

        async def bob_as(nick: str) -> str:
            async def look() -> str:
                members = (await kit.call("rooms.members", profile="alice", room=room))["items"]
                return next((m["occupant"] for m in members if m["nick"] == nick), "")

            found: str = await kit.until(look)
            return found

        before = await bob_as("bob")
        await join(kit, "bob", room, "robert")
        assert await bob_as("robert") == before
        await kit.call("rooms.leave", profile="bob", room=room)
        await join(kit, "bob", room, "bert")
        assert await bob_as("bert") == before
        info = await kit.call("rooms.info", profile="alice", room=room)
        assert info["occupant_ids"] and info["self_ping"]


async def test_ejabberd_does_not_vouch(ejabberd: XmppServer, tmp_path: Path) -> None:
    """An occupant there may write such an element; it passes the room, and is not believed."""
    accounts = {"alice": ejabberd.account("alice"), "mallory": ejabberd.account("mallory")}
    room = fresh_room(ejabberd)
    async with running_engine(tmp_path, ejabberd, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "mallory", room)
        forged = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='alice-herself'/><status>forged</status>"
        kit.session("mallory").send(f"<presence to='{room}/mallory'>{forged}</presence>")

        async def look() -> dict[str, Any] | None:
            members = (await kit.call("rooms.members", profile="alice", room=room))["items"]
            return next((m for m in members if m.get("status") == "forged"), None)

        member = await kit.until(look)
        assert "occupant" not in member and not port(kit).vouches("alice", room)
