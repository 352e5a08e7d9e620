# SPDX-License-Identifier: AGPL-3.0-or-later
"""Occupant ids (XEP-0421), hats (XEP-0317), codes and moved rooms: as the standards show them, and forged."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from salut.plugins.rooms.api import Hat, Room, refusal
from salut.plugins.rooms.events import Occupant
from salut.plugins.rooms.machine import Stay
from salut.plugins.rooms.protocol import occupant
from salut.plugins.rooms.protocol_info import room_info
from salut.plugins.rooms.pulse import AGAIN, SILENCE, UNHEARD, Pulse, verdict
from salut.xmpp.disco import read_info
from tests.plugins.rooms.test_rooms_machine import ROOM, X, inside, presence, wired

ID = "dd72603deec90a38ba552f7c68cbcc61bca202cd"  # XEP-0421 example 4
MARK = f"<occupant-id xmlns='urn:xmpp:occupant-id:0' id='{ID}'/>"
HATS = (  # XEP-0317 example 3
    "<hats xmlns='urn:xmpp:hats:0'>"
    "<hat title='Host' uri='http://schemas.example.com/hats#host' hue='327.255249' xml:lang='en-us'>"
    "<badge xmlns='urn:example:badges' level='3'/></hat>"
    "<hat title='Presenter' uri='http://schemas.example.com/hats#presenter' hue='171.430664' xml:lang='en-us'/>"
    "</hats>"
)
WORN = [
    Hat(uri="http://schemas.example.com/hats#host", title="Host"),
    Hat(uri="http://schemas.example.com/hats#presenter", title="Presenter"),
]
ITEM = "<item affiliation='none' role='participant'/></x>"
GONE = "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>{}</gone>"


def test_occupants_and_hats_of_a_room_that_vouches_for_them() -> None:
    stay = inside()
    stay.announced(True, True)
    ((_nick, member),) = stay.presence(presence("crone", X + ITEM + MARK + HATS)).members
    assert member is not None and member.occupant == ID and member.hats == WORN
    part = "<message xmlns='jabber:client' from='a@b/c' type='groupchat'><body>x</body>{}</message>"
    assert wired().decode(ET.fromstring(part.format(MARK))).parts["occupant-id"] == ID


def test_a_forged_occupant_id_in_a_room_that_does_not_vouch() -> None:
    stay = inside()
    stay.announced(False, False)
    stay.presence(presence("mallory", X + ITEM + MARK + HATS))
    member = stay.members["mallory"]
    assert (member.occupant, member.hats) == ("", [])
    # Nor does it count later: what was written while the room did not vouch is anybody's.
    assert stay.announced(True, True) == []
    assert stay.members["mallory"].occupant == ""
    stay.presence(presence("crone", X + ITEM + MARK))
    assert stay.members["crone"].occupant == ID
    stay.announced(False, False)
    assert stay.members["crone"].occupant == ""


def test_what_came_before_the_room_was_first_asked_waits_for_its_answer() -> None:
    stay = Stay(Room(address=ROOM, nick="thirdwitch"))
    stay.begin("thirdwitch", "key")
    stay.presence(presence("crone", X + ITEM + MARK + HATS))
    assert stay.members["crone"].occupant == ""
    stay.presence(presence("gone", X + ITEM + MARK))
    stay.presence(presence("gone", X + ITEM, type="unavailable"))
    assert [nick for nick, _ in stay.announced(True, False)] == ["crone"]
    assert (stay.members["crone"].occupant, stay.members["crone"].hats) == (ID, [])
    assert stay.vouches is True
    stay.begin("thirdwitch", "other")
    assert stay.vouches is None


@pytest.mark.parametrize("mark", ["", "x" * 129])
def test_occupant_ids_out_of_bounds_are_none(mark: str) -> None:
    told = presence("crone", f"{X}{ITEM}<occupant-id xmlns='urn:xmpp:occupant-id:0' id='{mark}'/>")
    assert told.occupant == ""


def test_hats_are_bounded() -> None:
    many = "".join(f"<hat uri='{'u' * 900}{n}' title='{'t' * 900}'/>" for n in range(500))
    told = presence("crone", f"{X}{ITEM}<hats xmlns='urn:xmpp:hats:0'><hat title='no uri'/>{many}</hats>")
    assert len(told.hats) == 19 and {len(hat.title) for hat in told.hats} == {100}
    assert {len(hat.uri) for hat in told.hats} == {500}


def test_a_foreign_occupant_with_our_codes_is_not_us() -> None:
    stay = inside()
    step = stay.presence(presence("mallory", X + "<item role='moderator'/><status code='110'/></x>"))
    assert step.what == "" and stay.shown.nick == "thirdwitch" and stay.shown.role == "participant"
    assert not stay.members["mallory"].me
    out = "<item role='none'/><status code='110'/><status code='307'/></x>"
    step = stay.presence(presence("mallory", X + out, type="unavailable"))
    assert step.what == "" and stay.shown.state == "joined" and "mallory" not in stay.members
    # A service that lets clients write such an element puts its own behind it.
    forged = X + "<item role='moderator' affiliation='owner'/><status code='110'/><destroy/></x>"
    told = presence("mallory", forged + X + ITEM)
    assert (told.role, told.affiliation, told.codes, told.destroyed) == (
        "participant",
        "none",
        frozenset(),
        False,
    )


def test_the_nick_that_we_asked_for_is_ours_when_we_get_it() -> None:
    stay = inside()
    stay.wanted = "hecate"
    step = stay.presence(presence("hecate", X + "<item role='participant'/><status code='110'/></x>"))
    assert step.what == "self" and stay.shown.nick == "hecate"


def test_codes_say_how_the_room_is_set() -> None:
    stay = Stay(Room(address=ROOM, nick="a"))
    stay.begin("a", "key")
    codes = "".join(f"<status code='{code}'/>" for code in (100, 110, 170))
    assert stay.presence(presence("a", f"{X}<item/>{codes}</x>")).what == "entered"
    assert stay.shown.nonanonymous and stay.shown.logged
    assert stay.codes(frozenset({171, 173})) and not stay.codes(frozenset({104}))
    assert not stay.shown.nonanonymous and not stay.shown.logged
    assert stay.codes(frozenset({170, 172})) and stay.shown.nonanonymous and stay.shown.logged


@pytest.mark.parametrize(
    ("text", "alternative"),
    [
        ("xmpp:dark@chat.shakespeare.lit?join", "dark@chat.shakespeare.lit"),
        ("xmpp:dark%20cave@chat.shakespeare.lit", ""),
        ("dark@chat.shakespeare.lit/nick", "dark@chat.shakespeare.lit"),
        ("http://evil.example/", ""),
        ("xmpp:shakespeare.lit?join", ""),
        ("", ""),
    ],
)
def test_a_room_that_is_gone_names_the_one_to_go_to(text: str, alternative: str) -> None:
    stay = Stay(Room(address=ROOM, nick="a"))
    stay.begin("a", "key")
    error = f"<error type='cancel'>{GONE.format(text)}</error>"
    step = stay.presence(presence("a", error, type="error", id="key"))
    assert step.what == "refused" and step.trouble is not None and step.trouble.gone
    assert step.trouble.alternative == alternative and not step.trouble.passes
    data = step.trouble.error(ROOM).data
    assert data["condition"] == "gone" and data.get("alternative", "") == alternative


def test_the_rooms_own_presence_names_its_picture() -> None:
    update = "<x xmlns='vcard-temp:x:update'><photo>A31C4BD04DE69663CFD7F424A8453F4674DA37FF</photo></x>"
    stay = inside()
    text = f"<presence xmlns='jabber:client' from='{ROOM}{{}}'>{update}</presence>"
    assert stay.presence(occupant(ET.fromstring(text.format("")))).what == "self"
    assert stay.shown.avatar == "a31c4bd04de69663cfd7f424a8453f4674da37ff"
    assert occupant(ET.fromstring(text.format("/crone"))).avatar is None  # an occupant's is not the room's


def test_what_a_room_says_of_itself() -> None:
    form = "".join(
        f"<field var='{name}'><value>{value}</value></field>"
        for name, value in {
            "FORM_TYPE": "http://jabber.org/protocol/muc#roominfo",
            "muc#roominfo_description": "The place for all good witches!",
            "muc#roominfo_contactjid": "crone1@shakespeare.lit",
            "muc#roominfo_occupants": "3",
            "muc#roominfo_lang": "en",
            "muc#roominfo_subject": "Spells",
            "muc#roominfo_avatarhash": "a31c4bd04de69663cfd7f424a8453f4674da37ff",
        }.items()
    )
    features = "".join(
        f"<feature var='{var}'/>"
        for var in (
            "http://jabber.org/protocol/muc", "muc_membersonly", "muc_hidden", "urn:xmpp:occupant-id:0",
            "urn:xmpp:hats:0", "http://jabber.org/protocol/muc#self-ping-optimization",
        )
    )  # fmt: skip
    query = ET.fromstring(
        "<query xmlns='http://jabber.org/protocol/disco#info'>"
        f"<identity category='conference' name='A Dark Cave' type='text'/>{features}"
        f"<x xmlns='jabber:x:data' type='result'>{form}</x></query>"
    )
    info = room_info(ROOM, read_info(query))
    assert (info.name, info.description, info.language, info.subject) == (
        "A Dark Cave", "The place for all good witches!", "en", "Spells",
    )  # fmt: skip
    assert (info.occupants, info.contacts) == (3, ["crone1@shakespeare.lit"])
    assert info.membersonly and info.hidden and info.occupant_ids and info.hats and info.self_ping
    assert not info.moderated and not info.nonanonymous and info.avatar.startswith("a31c")
    odd = form.replace(">3<", ">many<").replace("The place", "x" * 5000)
    info = room_info(ROOM, read_info(ET.fromstring(
        f"<query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='jabber:x:data'>{odd}</x></query>"
    )))  # fmt: skip
    assert (info.occupants, len(info.description), info.name) == (-1, 2000, "")


@pytest.mark.parametrize(
    ("condition", "meaning"),
    [
        ("", "inside"),  # XEP-0410 section 3.1, in its order
        ("service-unavailable", "inside"),
        ("feature-not-implemented", "inside"),
        ("item-not-found", "inside"),
        ("remote-server-not-found", "unknown"),
        ("remote-server-timeout", "unknown"),
        ("not-acceptable", "outside"),
        ("not-allowed", "outside"),
        ("bad-request", "outside"),
    ],
)
def test_what_a_self_ping_means(condition: str, meaning: str) -> None:
    assert verdict(condition) == meaning


def test_silence_and_words_that_do_not_come_back_are_suspicious() -> None:
    pulse = Pulse(100.0)
    assert not pulse.due(100.0 + SILENCE - 1)
    assert pulse.due(100.0 + SILENCE) and not pulse.due(100.0 + SILENCE + 1)
    assert pulse.due(100.0 + SILENCE + AGAIN)  # nobody answered: asked again
    pulse.heard(2000.0)
    assert not pulse.due(2001.0)
    pulse.said(2002.0)
    pulse.said(2020.0)
    assert not pulse.due(2002.0 + UNHEARD - 1) and pulse.due(2002.0 + UNHEARD)
    pulse.heard(2040.0)
    assert not pulse.due(2040.0 + UNHEARD)


def test_refusals_name_their_cause() -> None:
    assert refusal(ROOM, "not-connected", "").code == "not-connected"
    assert refusal(ROOM, "remote-server-timeout", "").code == "timeout"
    error = refusal(ROOM, "forbidden", "Only owners")
    assert (
        error.code == "refused"
        and error.data["condition"] == "forbidden"
        and "(Only owners)" in error.message
    )
    assert isinstance(Occupant(room=ROOM, nick="a").hats, tuple)
