# SPDX-License-Identifier: AGPL-3.0-or-later
"""Decisions about one room, and stanzas as XEP-0045 shows them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from salut.plugins.rooms.api import Room
from salut.plugins.rooms.events import Occupant, Trouble, put_out, refused
from salut.plugins.rooms.machine import MAX_MEMBERS, Stay
from salut.plugins.rooms.protocol import message, occupant
from salut.plugins.rooms.reading import RoomMessage, new_message
from salut.xmpp.decode import Decoders
from salut.xmpp.router import Router, Wires
from salut.xmpp.shared import Shared

ROOM = "coven@chat.shakespeare.lit"
KICKED = "<item role='none'><actor nick='Fluellen'/><reason>Avaunt!</reason></item><status code='307'/>"
DESTROYED = "<item role='none'/><destroy jid='dark@chat.shakespeare.lit'><reason>Macbeth</reason></destroy>"
X = "<x xmlns='http://jabber.org/protocol/muc#user'>"


def presence(nick: str, inner: str = "", **attributes: str) -> Occupant:
    """A presence as it comes over the wire."""
    more = "".join(f" {key}='{value}'" for key, value in attributes.items())
    text = f"<presence xmlns='jabber:client' from='{ROOM}/{nick}'{more}>{inner}</presence>"
    return occupant(ET.fromstring(text))


def inside(nick: str = "thirdwitch") -> Stay:
    """A room that we have entered."""
    stay = Stay(Room(address=ROOM, nick=nick))
    stay.begin(nick, "key")
    item = "<item affiliation='member' role='participant'/><status code='110'/></x>"
    assert stay.presence(presence(nick, X + item)).what == "entered"
    return stay


def test_entering_as_in_examples_20_to_24() -> None:
    stay = Stay(Room(address=ROOM, nick="hag66"))
    assert stay.presence(presence("firstwitch", X + "<item role='moderator'/></x>")).members == []
    stay.begin("thirdwitch", "key")
    first = stay.presence(presence("firstwitch", X + "<item affiliation='owner' role='moderator'/></x>"))
    assert [nick for nick, _ in first.members] == ["firstwitch"] and first.what == ""
    assert stay.shown.state == "joining"
    own = stay.presence(
        presence(
            "thirdwitch",
            X + "<item affiliation='none' role='participant' jid='hag66@shakespeare.lit/pda'/>"
            "<status code='100'/><status code='110'/><status code='201'/></x><show>away</show><status>Brb</status>",
        )
    )
    assert own.what == "entered" and own.created
    assert [nick for nick, _ in own.members] == ["firstwitch", "thirdwitch"]
    me = stay.members["thirdwitch"]
    assert (me.me, me.address, me.show, me.status) == (True, "hag66@shakespeare.lit", "away", "Brb")
    assert (stay.shown.state, stay.shown.members, stay.shown.role) == ("joined", 2, "participant")


def test_the_room_may_choose_another_nick() -> None:
    stay = Stay(Room(address=ROOM, nick="a"))
    stay.begin("wanted", "key")
    step = stay.presence(presence("given", X + "<item/><status code='110'/><status code='210'/></x>"))
    assert step.what == "entered" and stay.shown.nick == "given"


def test_a_stranger_under_our_nick_is_not_us_while_we_enter() -> None:
    stay = Stay(Room(address=ROOM, nick="a"))
    stay.begin("a", "key")
    assert stay.presence(presence("a", X + "<item role='participant'/></x>")).what == ""
    assert stay.shown.state == "joining"


@pytest.mark.parametrize(
    ("condition", "passes"),
    [
        ("conflict", False),
        ("not-authorized", False),
        ("forbidden", False),
        ("registration-required", False),
        ("remote-server-timeout", True),
    ],
)
def test_refusals(condition: str, passes: bool) -> None:
    stay = Stay(Room(address=ROOM, nick="a"))
    stay.begin("a", "key")
    error = f"<error type='cancel'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    assert stay.presence(presence("a", error, type="error", id="older")).what == ""
    step = stay.presence(presence("a", error, type="error", id="key"))
    assert step.what == "refused" and step.trouble is not None
    assert (step.trouble.condition, step.trouble.passes) == (condition, passes)
    assert stay.shown.state == "failed" and stay.shown.error == step.trouble.words
    assert step.trouble.suggestion == ("a_" if condition == "conflict" else "")


@pytest.mark.parametrize(
    ("inner", "condition", "passes"),
    [
        (KICKED, "kicked", False),
        ("<item affiliation='outcast' role='none'/><status code='301'/>", "banned", False),
        ("<item role='none'/><status code='321'/>", "members-only", False),
        ("<item role='none'/><status code='322'/>", "members-only", False),
        ("<item role='none'/><status code='332'/>", "shutdown", True),
        ("<item role='none'/><status code='307'/><status code='333'/>", "lost", True),
        (DESTROYED, "destroyed", False),
        ("<item role='none'/>", "removed", True),
    ],
)  # fmt: skip
def test_put_out(inner: str, condition: str, passes: bool) -> None:
    stay = inside()
    step = stay.presence(presence("thirdwitch", f"{X}{inner}<status code='110'/></x>", type="unavailable"))
    assert step.what == "out" and step.trouble is not None
    assert (step.trouble.condition, step.trouble.passes) == (condition, passes)
    assert stay.shown.state == "failed" and stay.shown.members == 0 and not stay.members
    if condition == "kicked":
        assert "Fluellen" in stay.shown.error and "Avaunt!" in stay.shown.error
    if condition == "destroyed":
        assert "dark@chat.shakespeare.lit" in stay.shown.error and "Macbeth" in stay.shown.error


def test_new_nick_of_ours_and_of_others() -> None:
    stay = inside()
    stay.presence(presence("firstwitch", X + "<item role='moderator'/></x>"))
    gone = X + "<item nick='oldhag' role='participant'/><status code='303'/>"
    step = stay.presence(presence("firstwitch", gone + "</x>", type="unavailable"))
    assert step.members == [("firstwitch", None)] and step.what == ""
    stay.presence(presence("oldhag", X + "<item role='moderator'/></x>"))
    step = stay.presence(presence("thirdwitch", gone + "<status code='110'/></x>", type="unavailable"))
    assert step.what == "renamed" and stay.shown.nick == "oldhag" and stay.shown.state == "joined"


def test_others_leave_and_what_has_no_nick_is_no_member() -> None:
    stay = inside()
    stay.presence(presence("firstwitch", X + "<item role='moderator'/></x>"))
    assert stay.presence(presence("firstwitch", X + "</x>", type="unavailable")).members == [
        ("firstwitch", None)
    ]
    stay.presence(occupant(ET.fromstring(f"<presence xmlns='jabber:client' from='{ROOM}'/>")))
    assert list(stay.members) == ["thirdwitch"]


def test_members_are_bounded() -> None:
    stay = inside()
    for number in range(MAX_MEMBERS + 10):
        stay.presence(Occupant(room=ROOM, nick=f"n{number}"))
    assert len(stay.members) == stay.shown.members == MAX_MEMBERS


def test_hostile_presence_is_read_within_bounds() -> None:
    codes = "".join(f"<status code='{code}'/>" for code in ["110", "x", "９９９", "-12", "99999"] * 50)
    told = presence(
        "n" * 5000, f"{X}<item role='king' affiliation='god'/>{codes}</x><show>x</show>", type="odd"
    )
    assert told.codes == {110} and told.kind == "available"
    assert (told.role, told.affiliation, told.show, len(told.nick)) == ("none", "none", "online", 1023)


def test_mentions_are_whole_words() -> None:
    stay = inside("a.b")
    for text in ("A.B: hello", "hello (a.b)", "a.b"):
        assert stay.mentions(text)
    for text in ("axb", "ba.bc", "hello"):
        assert not stay.mentions(text)


def wired() -> Decoders:
    """Decoders with what chat and rooms register."""
    from salut.plugins.chat.protocol import ChatProtocol
    from salut.plugins.rooms.protocol import RoomsProtocol

    wires = Wires(Shared.fresh(), Router())
    ChatProtocol(wires, None)  # type: ignore[arg-type]  # only its decoders are used here
    RoomsProtocol(wires, None)  # type: ignore[arg-type]  # the same
    return wires.shared.decoders


def read(text: str) -> RoomMessage:
    """A message as it comes over the wire."""
    return message(wired().decode(ET.fromstring(text)))


def test_history_is_dated_and_numbered_only_by_the_room() -> None:
    text = (
        f"<message xmlns='jabber:client' from='{ROOM}/secondwitch' type='groupchat' id='162BEBB1'>"
        "<body>Thrice and once the hedge-pig whined.</body>"
        "<delay xmlns='urn:xmpp:delay' from='{0}' stamp='2002-10-13T23:58:49Z'/>"
        "<stanza-id xmlns='urn:xmpp:sid:0' by='{0}' id='5f3d'/></message>"
    )
    told = read(text.replace("{0}", ROOM))
    assert (told.stamp, told.archive, told.origin) == (1034553529000000, "5f3d", "162BEBB1")
    forged = read(text.replace("{0}", f"{ROOM}/secondwitch"))
    assert (forged.stamp, forged.archive) == (0, "")


def test_own_nick_in_the_past_is_not_proof() -> None:
    stay = inside()
    told = RoomMessage(room=ROOM, nick="thirdwitch", body="thirdwitch was here", origin="o")
    live = new_message(stay, told, at=0, replayed=False)
    assert (live.outgoing, live.perhaps_own, live.state, live.mention) == (True, False, "sent", False)
    past = new_message(stay, told, at=5, replayed=True)
    assert (past.outgoing, past.perhaps_own, past.state, past.at) == (False, True, "received", 5)
    other = new_message(stay, RoomMessage(room=ROOM, nick="x", body="ThirdWitch!"), at=0, replayed=False)
    assert (other.outgoing, other.mention, other.sender) == (False, True, f"{ROOM}/x")


def test_topic_and_configuration_are_told_apart() -> None:
    topic = read(f"<message xmlns='jabber:client' from='{ROOM}/a' type='groupchat'><subject/></message>")
    assert topic.subject == "" and not topic.body
    changed = read(
        f"<message xmlns='jabber:client' from='{ROOM}' type='groupchat'>{X}<status code='104'/></x></message>"
    )
    assert changed.configured and changed.subject is None


def test_words_name_what_to_do() -> None:
    assert isinstance(put_out(Occupant(room=ROOM, nick="a")), Trouble)
    error = refused(Occupant(room=ROOM, nick="a", condition="conflict"), "a").error(ROOM)
    assert error.data == {"room": ROOM, "condition": "conflict", "suggestion": "a_"}
