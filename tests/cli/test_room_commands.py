# SPDX-License-Identifier: AGPL-3.0-or-later
"""The commands of ``jp room`` that make, guard and find rooms: what they ask, as the contract takes it, and show."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from salut.api.contract import MARK
from salut.engine.registry import Entry
from salut.frontends.cli import roomforms
from salut.model.errors import SalutError
from salut.model.form import Choice, Field, Form
from salut.model.page import Page
from salut.plugins.roomadmin.api import Affiliated, RoomAdminApi
from salut.plugins.roominvites.api import Invitation, RoomInvitesApi
from salut.plugins.rooms.api import Room, RoomInfo, RoomsApi
from salut.plugins.roomsearch.api import FoundRoom, RoomSearchApi
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon

ROOM = "room@muc.localhost"
BOB = "bob@localhost"
HALL = Room(address=ROOM, nick="alice", state="joined")
FORM = Form(
    type="http://jabber.org/protocol/muc#roomconfig",
    title="Configuration \x1b[31m",
    instructions="Fill it in",
    fields=[
        Field(name="muc#roomconfig_roomname", label="Name", values=["Hall\x1b[2J"], required=True),
        Field(kind="fixed", values=["Who may enter"]),
        Field(name="muc#roomconfig_membersonly", kind="boolean", label="Members only?", values=["1"]),
        Field(
            name="muc#roomconfig_whois",
            kind="list-single",
            values=["anyone"],
            choices=[Choice(value="moderators", label="Moderators Only"), Choice(value="anyone")],
        ),
        Field(name="muc#roomconfig_roomsecret", kind="text-private", values=["sesame"]),
        Field(name="x", kind="hidden", values=["y"]),
    ],
)
ENTRIES = {
    f"{service.service}.{name}": Entry(
        f"{service.service}.{name}", getattr(function, MARK), service, function, None
    )
    for service in (RoomsApi, RoomAdminApi, RoomInvitesApi, RoomSearchApi)
    for name, function in vars(service).items()
    if hasattr(function, MARK)
}


def answer(daemon: FakeDaemon, method: str, value: object) -> None:
    """Answer a method, if it is asked as the contract takes it."""

    def reply(params: dict[str, Any]) -> Any:
        ENTRIES[method].decoder.decode(msgspec.json.encode(params))
        return msgspec.to_builtins(value)

    daemon.answers[method] = reply


@pytest.fixture(autouse=True)
def profile(daemon: FakeDaemon) -> None:
    daemon.answers["profiles.list"] = lambda _: [
        {"name": "alice", "address": "alice@localhost", "enabled": True}
    ]
    for method in ("affiliate", "role", "destroy", "request_voice", "answer_voice", "register", "unregister"):
        answer(daemon, f"roomadmin.{method}", None)
    for method in ("send", "decline"):
        answer(daemon, f"roominvites.{method}", None)


def test_create_and_configure(jp: Jp, daemon: FakeDaemon) -> None:
    answer(daemon, "roomadmin.create", HALL)
    answer(daemon, "roomadmin.form", FORM)
    answer(daemon, "roomadmin.configure", FORM)
    whose = {"profile": "alice", "room": ROOM}
    assert (
        jp("room", "create", ROOM, "--private", "--nick", "al", "roomname=Our hall", "--json").json["nick"]
        == "alice"
    )
    (asked,) = daemon.calls("roomadmin.create")
    assert asked == {
        **whose, "private": True, "nick": "al", "timeout": 30.0, "answers": {"roomname": ["Our hall"]},
    }  # fmt: skip
    shown = jp("room", "configure", ROOM)
    assert shown.out.splitlines() == [
        "Configuration <U+001B>[31m",
        "Fill it in",
        "roomname = Hall<U+001B>[2J",
        "    Name (must be filled in)",
        "",
        "Who may enter",
        "membersonly = yes",
        "    Members only?",
        "whois = anyone",
        "    choices: moderators (Moderators Only), anyone",
        "roomsecret = ********",
    ]
    assert jp("room", "configure", ROOM, "--json").json["fields"][0]["values"] == ["Hall\x1b[2J"]
    assert (
        jp("room", "configure", ROOM, "whois=moderators", "presencebroadcast=visitor", "roomsecret=").code
        == 0
    )
    (asked,) = daemon.calls("roomadmin.configure")
    assert asked["answers"] == {"whois": ["moderators"], "presencebroadcast": ["visitor"], "roomsecret": []}
    assert jp("room", "configure", ROOM, "whois").code == 2


def test_answers() -> None:
    assert roomforms.answers(["a=1", "b=x=y", "a=2", "c="]) == {"a": ["1", "2"], "b": ["x=y"], "c": []}
    for wrong in ("a", "=1", ""):
        with pytest.raises(SalutError):
            roomforms.answers([wrong])


def test_guarding(jp: Jp, daemon: FakeDaemon) -> None:
    whose = {"profile": "alice", "room": ROOM}
    assert jp("room", "kick", ROOM, "bob", "--reason", "noise").code == 0
    assert jp("room", "role", ROOM, "bob", "moderator").code == 0
    assert daemon.calls("roomadmin.role") == [
        {**whose, "nick": "bob", "role": "none", "reason": "noise"},
        {**whose, "nick": "bob", "role": "moderator"},
    ]
    assert jp("room", "role", ROOM, "bob", "king").code == 2
    assert jp("room", "ban", ROOM, BOB).code == 0
    assert jp("room", "affiliate", ROOM, BOB, "member", "--json").json == whose
    assert daemon.calls("roomadmin.affiliate") == [
        {**whose, "who": BOB, "affiliation": "outcast"},
        {**whose, "who": BOB, "affiliation": "member"},
    ]
    boss = Affiliated(address=BOB, affiliation="owner", nick="bob")
    answer(daemon, "roomadmin.affiliations", Page(items=[boss], after=None))
    assert jp("room", "affiliate", ROOM, "owner").out == f"owner  {BOB}  bob\n"
    assert len(jp("room", "affiliate", ROOM, "--json").json["items"]) == 4
    assert jp("room", "voice", ROOM).code == jp("room", "voice", ROOM, "bob", "--deny").code == 0
    assert daemon.calls("roomadmin.answer_voice") == [{**whose, "nick": "bob", "allow": False}]
    assert jp("room", "destroy", ROOM, "--alternative", "new@muc.localhost").code == 0
    assert daemon.calls("roomadmin.destroy") == [{**whose, "alternative": "new@muc.localhost"}]


def test_registering(jp: Jp, daemon: FakeDaemon) -> None:
    answer(daemon, "roomadmin.registration", Form(fields=[Field(name="muc#register_roomnick", label="Nick")]))
    assert jp("room", "register", ROOM).out == "roomnick = \n    Nick\n"
    assert jp("room", "register", ROOM, "roomnick=crone").code == 0
    assert daemon.calls("roomadmin.register")[0]["answers"] == {"roomnick": ["crone"]}
    answer(daemon, "roomadmin.registration", Form())
    assert jp("room", "register", ROOM).out == f"You are registered with {ROOM}.\n"
    assert jp("room", "register", ROOM, "--remove", "--json").code == 0
    assert len(daemon.calls("roomadmin.unregister")) == 1


def test_finding(jp: Jp, daemon: FakeDaemon) -> None:
    found = FoundRoom(address=ROOM, name="Hall", description="Tea\nand cake", occupants=7)
    answer(daemon, "roomsearch.search", Page(items=[found], after="m"))
    answer(daemon, "roomsearch.list", Page(items=[found], after=None))
    assert jp("room", "search", "big", "hall", "-n", "5").out == f"{ROOM}  7  Hall  Tea and cake\n"
    assert daemon.calls("roomsearch.search") == [{"profile": "alice", "limit": 5, "text": "big hall"}]
    page = jp("room", "search", "--service", "muc.localhost", "--json").json
    assert page["items"][0]["language"] == "" and page["after"] is None
    info = RoomInfo(address=ROOM, name="Hall", occupants=0, membersonly=True, hidden=True)
    answer(daemon, "rooms.info", info)
    lines = jp("room", "info", ROOM).out.splitlines()
    assert lines == [
        f"address    {ROOM}",
        "name       Hall",
        "occupants  0",
        "kind       members only, hidden",
    ]
    assert jp("room", "info", ROOM, "--json").json["contacts"] == []


def test_invitations(jp: Jp, daemon: FakeDaemon) -> None:
    whose = {"profile": "alice", "room": ROOM}
    assert jp("room", "invite", ROOM, BOB, "eve@localhost", "--reason", "tea").code == 0
    assert [(a["address"], a["way"], a["reason"]) for a in daemon.calls("roominvites.send")] == [
        (BOB, "auto", "tea"),
        ("eve@localhost", "auto", "tea"),
    ]
    waiting = [Invitation(room=ROOM, inviter=BOB, at=1_700_000_000_000_000, reason="tea", stranger=True)]
    answer(daemon, "roominvites.list", waiting)
    line = jp("room", "invitations").out.split("  ")
    assert (line[0], line[1], line[-1]) == (ROOM, f"{BOB} (unknown)", "tea\n")
    assert jp("room", "invitations", "--json").json["items"][0]["mediated"] is False
    answer(daemon, "roominvites.accept", HALL)
    assert jp("room", "accept", ROOM, "--nick", "al", "--json").json["state"] == "joined"
    assert daemon.calls("roominvites.accept") == [{**whose, "nick": "al"}]
    assert jp("room", "decline", ROOM).code == jp("room", "decline", ROOM, "--quiet").code == 0
    assert jp("room", "decline", ROOM, "--reason", "no time").code == 0
    assert daemon.calls("roominvites.decline") == [
        whose,
        {**whose, "tell": False},
        {**whose, "reason": "no time", "tell": True},
    ]
    answer(daemon, "rooms.follow", HALL)
    assert jp("room", "follow", ROOM).code == 0
