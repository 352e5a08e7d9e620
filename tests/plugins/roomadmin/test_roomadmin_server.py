# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms made, configured, guarded and ended on real servers."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.rooms.test_rooms_server import fresh_room, join, room_is

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def field(form: dict[str, Any], name: str) -> dict[str, Any]:
    """A field of a form."""
    found: dict[str, Any] = next(f for f in form["fields"] if f.get("name") == f"muc#roomconfig_{name}")
    return found


async def refused(kit: EngineKit, method: str, **params: Any) -> SalutError:
    """Call what must fail."""
    with pytest.raises(SalutError) as caught:
        await kit.call(method, **params)
    return caught.value


async def member_is(kit: EngineKit, profile: str, room: str, nick: str, **wanted: Any) -> dict[str, Any]:
    """Wait until an occupant is shown so."""

    async def look() -> dict[str, Any] | None:
        for member in (await kit.call("rooms.members", profile=profile, room=room))["items"]:
            if member["nick"] == nick and all(member.get(k) == v for k, v in wanted.items()):
                found: dict[str, Any] = member
                return found
        return None

    found: dict[str, Any] = await kit.until(look)
    return found


async def test_a_room_is_made_with_the_servers_form_and_configured(
    server: XmppServer, tmp_path: Path
) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        answers = {"muc#roomconfig_roomname": ["The coven"], "muc#roomconfig_persistentroom": ["yes"]}
        made = await kit.call("roomadmin.create", profile="alice", room=room, nick="hecate", answers=answers)
        assert (made["state"], made["nick"], made["affiliation"]) == ("joined", "hecate", "owner")
        await room_is(kit, "alice", room, name="The coven")
        assert (await refused(kit, "roomadmin.create", profile="alice", room=room)).code == "exists"
        assert (await refused(kit, "roomadmin.create", profile="bob", room=room)).code == "exists"
        assert await kit.call("rooms.list", profile="bob") == []
        form = await kit.call("roomadmin.form", profile="alice", room=room)
        assert form["type"] == "http://jabber.org/protocol/muc#roomconfig"
        assert field(form, "roomname")["values"] == ["The coven"] and field(form, "persistentroom")[
            "values"
        ] == ["1"]
        wrong = {"muc#roomconfig_moderatedroom": ["perhaps"]}
        error = await refused(kit, "roomadmin.configure", profile="alice", room=room, answers=wrong)
        assert (error.code, error.data["field"]) == ("invalid", "muc#roomconfig_moderatedroom")
        answers = {
            "muc#roomconfig_roomname": ["The heath"],
            "muc#roomconfig_roomdesc": ["Thunder & lightning"],
        }
        form = await kit.call("roomadmin.configure", profile="alice", room=room, answers=answers)
        assert field(form, "roomname")["values"] == ["The heath"]
        await room_is(kit, "alice", room, name="The heath", description="Thunder & lightning")
        info = await kit.call("rooms.info", profile="bob", room=room)
        assert (info["name"], info["persistent"], info["occupants"]) == ("The heath", True, 1)
        denied = await refused(kit, "roomadmin.form", profile="bob", room=room)
        assert denied.code == "refused" and denied.data["condition"] in ("forbidden", "not-allowed", "auth")


async def test_a_private_room_and_one_whose_form_is_answered_wrongly(
    server: XmppServer, tmp_path: Path
) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room, other = fresh_room(server), fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        await kit.call("roomadmin.create", profile="alice", room=room, private=True)
        info = await kit.call("rooms.info", profile="alice", room=room)
        assert info["membersonly"] and info["nonanonymous"] and info["hidden"] and info["persistent"]
        assert (await room_is(kit, "alice", room, state="joined"))["nonanonymous"]
        closed = await refused(kit, "rooms.join", profile="bob", room=room)
        assert closed.data["condition"] == "registration-required"
        await kit.call(
            "roomadmin.affiliate", profile="alice", room=room, who=accounts["bob"].jid, affiliation="member"
        )
        assert (await join(kit, "bob", room))["affiliation"] == "member"
        # An answer that does not fit: no room, and nobody in it.
        wrong = {"no-such-field": ["1"]}
        error = await refused(kit, "roomadmin.create", profile="alice", room=other, answers=wrong)
        assert (error.code, error.data["field"]) == ("invalid", "no-such-field")
        assert [r["address"] for r in await kit.call("rooms.list", profile="alice")] == [room]
        made = await kit.call("roomadmin.create", profile="bob", room=other, answers={})
        assert made["affiliation"] == "owner"


async def test_affiliations_and_roles(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room, bob = fresh_room(server), accounts["bob"].jid
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        await member_is(kit, "alice", room, "bob")

        async def listed(affiliation: str) -> list[str]:
            page = await kit.call(
                "roomadmin.affiliations", profile="alice", room=room, affiliation=affiliation
            )
            return [item["address"] for item in page["items"]]

        assert await listed("owner") == [accounts["alice"].jid] and await listed("member") == []
        for affiliation in ("member", "admin", "owner", "none"):
            await kit.call(
                "roomadmin.affiliate", profile="alice", room=room, who="bob", affiliation=affiliation
            )
            await room_is(kit, "bob", room, affiliation=affiliation)
            if affiliation != "none":
                assert bob in await listed(affiliation)
        for role in ("moderator", "participant", "visitor", "participant"):
            await kit.call("roomadmin.role", profile="alice", room=room, nick="bob", role=role)
            await room_is(kit, "bob", room, role=role)
        error = await refused(kit, "roomadmin.role", profile="bob", room=room, nick="alice", role="none")
        assert error.code == "refused" and error.data["condition"] in ("forbidden", "not-allowed")
        await kit.call(
            "roomadmin.role", profile="alice", room=room, nick="bob", role="none", reason="Avaunt!"
        )
        out = await room_is(kit, "bob", room, state="failed")
        assert "kicked" in out["error"] and "Avaunt!" in out["error"] and out.get("autojoin", True)
        assert (await join(kit, "bob", room))["state"] == "joined"


async def test_a_ban_holds_until_it_is_taken_back(server: XmppServer, tmp_path: Path) -> None:
    """In a room of its own: ejabberd 23.01 lets in a banned one whose role was once set by hand."""
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room, bob = fresh_room(server), accounts["bob"].jid
    async with running_engine(tmp_path, server, accounts) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        await member_is(kit, "alice", room, "bob")
        ban = {"who": "bob", "affiliation": "outcast", "reason": "Treason"}
        await kit.call("roomadmin.affiliate", profile="alice", room=room, **ban)
        assert "banned" in (await room_is(kit, "bob", room, state="failed"))["error"]
        assert (await refused(kit, "rooms.join", profile="bob", room=room)).data["condition"] == "forbidden"
        page = await kit.call("roomadmin.affiliations", profile="alice", room=room, affiliation="outcast")
        assert [item["address"] for item in page["items"]] == [bob]
        assert page["items"][0].get("reason", "Treason") == "Treason" and page["after"] is None
        await kit.call("roomadmin.affiliate", profile="alice", room=room, who=bob, affiliation="none")
        assert (await join(kit, "bob", room))["state"] == "joined"
        for wrong, code in ({"who": "nobody"}, "not-found"), ({"who": accounts["alice"].jid}, "invalid"):
            error = await refused(
                kit, "roomadmin.affiliate", profile="alice", room=room, affiliation="outcast", **wrong
            )
            assert error.code == code


async def test_a_destroyed_room_says_where_it_went_and_is_followed(
    server: XmppServer, tmp_path: Path
) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room, new = fresh_room(server), fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        lasting = {"muc#roomconfig_persistentroom": ["1"]}
        await kit.call("roomadmin.create", profile="alice", room=room, nick="alice", answers=lasting)
        await kit.call("roomadmin.create", profile="alice", room=new, nick="alice")
        await join(kit, "bob", room, "bobby")
        assert (await refused(kit, "rooms.follow", profile="bob", room=room)).code == "not-found"
        denied = await refused(kit, "roomadmin.destroy", profile="bob", room=room)
        assert denied.data["condition"] in ("forbidden", "not-allowed")
        await kit.call("roomadmin.destroy", profile="alice", room=room, alternative=new, reason="Too small")
        left = await room_is(kit, "bob", room, state="failed", moved=new, autojoin=False)
        assert "Too small" in left["error"] and new in left["error"]
        assert (await kit.call("rooms.list", profile="bob"))[0][
            "address"
        ] == room  # nobody was taken along unasked
        there = await kit.call("rooms.follow", profile="bob", room=room)
        assert (there["address"], there["nick"], there["state"]) == (new, "bobby", "joined")
        if server.kind == "prosody":  # it keeps a tombstone, which says ``gone``
            error = await refused(kit, "rooms.join", profile="bob", room=room)
            assert (error.data["condition"], error.data["alternative"]) == ("gone", new)


async def test_voice_is_asked_for_and_given(server: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": server.account("alice"), "bob": server.account("bob")}
    room = fresh_room(server)
    async with running_engine(tmp_path, server, accounts) as kit:
        answers = {"muc#roomconfig_moderatedroom": ["1"]}
        form = {"muc#roomconfig_changesubject": ["0"]}
        await kit.call("roomadmin.create", profile="alice", room=room, nick="alice", answers=answers)
        assert field(await kit.call("roomadmin.form", profile="alice", room=room), "changesubject")
        await kit.call("roomadmin.configure", profile="alice", room=room, answers=form)
        await join(kit, "bob", room)
        await kit.call("roomadmin.role", profile="alice", room=room, nick="bob", role="visitor")
        await room_is(kit, "bob", room, role="visitor")
        if server.kind == "ejabberd":
            allow = {"allow_voice_requests": ["1"]}
            await kit.call("roomadmin.configure", profile="alice", room=room, answers=allow)
        await kit.call("roomadmin.request_voice", profile="bob", room=room)

        async def asked() -> bool:
            return ("alice", "voice", f"{room}/bob") in kit.engine.journal.passing_now()

        await kit.until(asked)
        await kit.call("roomadmin.answer_voice", profile="alice", room=room, nick="bob", allow=True)
        await room_is(kit, "bob", room, role="participant")
        assert not await asked()
        again = await refused(
            kit, "roomadmin.answer_voice", profile="alice", room=room, nick="bob", allow=True
        )
        assert again.code == "not-found"
        assert (await refused(kit, "roomadmin.request_voice", profile="bob", room=room)).code == "exists"


async def test_registration_reserves_a_nick(prosody: XmppServer, tmp_path: Path) -> None:
    accounts = {"alice": prosody.account("alice"), "bob": prosody.account("bob")}
    room = fresh_room(prosody)
    async with running_engine(tmp_path, prosody, accounts) as kit:
        await kit.call("roomadmin.create", profile="alice", room=room)
        allow = {"{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites": ["1"]}
        form = await kit.call("roomadmin.form", profile="alice", room=room)
        known = {f.get("name") for f in form["fields"]}
        await kit.call(
            "roomadmin.configure",
            profile="alice",
            room=room,
            answers={
                k: v for k, v in (allow | {"muc#roomconfig_enable_registration": ["1"]}).items() if k in known
            },
        )
        form = await kit.call("roomadmin.registration", profile="alice", room=room)
        assert "muc#register_roomnick" in {f.get("name") for f in form["fields"]}
        nick = {"muc#register_roomnick": ["crone"]}
        await kit.call("roomadmin.register", profile="alice", room=room, answers=nick)
        assert await kit.call("roomadmin.reserved_nick", profile="alice", room=room) == "crone"


async def test_a_rooms_picture(ejabberd: XmppServer, tmp_path: Path) -> None:
    """ejabberd has vCards of rooms (XEP-0486); prosody 0.12 has none, and says so."""
    accounts = {"alice": ejabberd.account("alice"), "bob": ejabberd.account("bob")}
    room = fresh_room(ejabberd)
    async with running_engine(tmp_path, ejabberd, accounts) as kit:
        await kit.call("roomadmin.create", profile="alice", room=room, nick="alice")
        await join(kit, "bob", room)
        assert (await refused(kit, "roomadmin.picture", profile="bob", room=room)).code in (
            "not-found",
            "refused",
        )
        denied = await refused(kit, "roomadmin.set_picture", profile="bob", room=room, data="AAAA")
        assert denied.code == "refused"
        data = base64.b64encode(PNG).decode()
        await kit.call("roomadmin.set_picture", profile="alice", room=room, data=data, type="image/png")
        picture = await kit.call("roomadmin.picture", profile="bob", room=room)
        assert (picture["data"], picture["type"]) == (data, "image/png")
        assert picture["sha1"] == hashlib.sha1(PNG).hexdigest()
        await room_is(kit, "bob", room, avatar=picture["sha1"])


async def test_a_room_without_pictures_says_so(prosody: XmppServer, tmp_path: Path) -> None:
    room = fresh_room(prosody)
    async with running_engine(tmp_path, prosody, {"alice": prosody.account("alice")}) as kit:
        await kit.call("roomadmin.create", profile="alice", room=room)
        data = base64.b64encode(PNG).decode()
        error = await refused(kit, "roomadmin.set_picture", profile="alice", room=room, data=data)
        assert error.data["condition"] in ("service-unavailable", "feature-not-implemented")
