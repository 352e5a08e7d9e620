# SPDX-License-Identifier: AGPL-3.0-or-later
"""Room administration as XEP-0045 shows it, and forged or oversized answers."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from salut.model.errors import SalutError
from salut.model.form import Form
from salut.plugins.roomadmin.protocol import (
    MAX_FORM,
    RoomAdminProtocol,
    bounded,
    read_affiliated,
    voice_request,
)  # fmt: skip
from salut.plugins.rooms.api import Room
from salut.xmpp.errors import StanzaError
from salut.xmpp.forms import read_form
from salut.xmpp.iqs import Pending
from tests.engine_kit import EngineKit, running_engine

ROOM = "coven@chat.shakespeare.lit"
ADMIN = "http://jabber.org/protocol/muc#admin"
LIST = f"""<query xmlns='{ADMIN}'>
  <item affiliation='outcast' jid='earlofcambridge@shakespeare.lit'><reason>Treason</reason></item>
  <item affiliation='outcast' jid='Richard@shakespeare.lit/tower' nick='dick'/>
  <item affiliation='owner' jid='mallory@evil.example'/><item affiliation='outcast' jid=''/>
  <item affiliation='outcast' jid='no address at all@'/></query>"""
VOICE = (  # XEP-0045 example 93
    "<message xmlns='jabber:client' from='{room}' id='approve' to='crone1@shakespeare.lit/pda'>"
    "<x xmlns='jabber:x:data' type='form'><title>Voice request</title>"
    "<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#request</value></field>"
    "<field var='muc#role' type='list-single'><value>{role}</value></field>"
    "<field var='muc#jid' type='jid-single'><value>hag66@shakespeare.lit/pda</value></field>"
    "<field var='muc#roomnick' type='text-single'><value>{nick}</value></field>"
    "<field var='muc#request_allow' type='boolean'><value>false</value></field></x></message>"
)


def test_lists_hold_what_was_asked_for() -> None:
    found = read_affiliated(ET.fromstring(LIST), "outcast")
    assert [(one.address, one.nick, one.reason) for one in found] == [
        ("earlofcambridge@shakespeare.lit", "", "Treason"),
        ("richard@shakespeare.lit", "dick", ""),
    ]
    assert read_affiliated(None, "member") == []
    many = "".join(f"<item affiliation='member' jid='m{n}@s.lit'/>" for n in range(30_000))
    assert len(read_affiliated(ET.fromstring(f"<query xmlns='{ADMIN}'>{many}</query>"), "member")) == 20_000


def test_oversized_forms_are_refused() -> None:
    fields = "".join(f"<field var='f{n}'><value>{'v' * 60_000}</value></field>" for n in range(20))
    form = read_form(ET.fromstring(f"<x xmlns='jabber:x:data'>{fields}</x>"))
    with pytest.raises(SalutError) as caught:
        bounded(form)
    assert (caught.value.code, caught.value.data["limit"]) == ("too-large", MAX_FORM)
    many = "".join(f"<field var='f{n}'/>" for n in range(100_000))
    assert len(bounded(read_form(ET.fromstring(f"<x xmlns='jabber:x:data'>{many}</x>"))).fields) == 500


async def test_an_admin_result_from_the_wrong_sender_is_no_answer() -> None:
    pending = Pending()
    number, future = pending.add(ROOM)
    own = "crone1@shakespeare.lit/pda"
    for sender in (
        "",
        own,
        "shakespeare.lit",
        f"{ROOM}/firstwitch",
        "mallory@evil.example",
        "chat.shakespeare.lit",
    ):
        forged = ET.fromstring(
            f"<iq xmlns='jabber:client' type='result' id='{number}' from='{sender}'>{LIST}</iq>"
        )
        assert not pending.answer(forged, own) and not future.done(), sender
    assert pending.answer(
        ET.fromstring(f"<iq xmlns='jabber:client' type='result' id='{number}' from='{ROOM}'/>"), own
    )


class Asked:
    """A session that gives one answer, and notes what it was asked."""

    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, str]] = []

    async def iq(self, kind: str, payload: str, to: str, timeout: float) -> ET.Element:
        self.asked.append((kind, payload, to))
        if isinstance(self.answer, Exception):
            raise self.answer
        return ET.fromstring(f"<iq xmlns='jabber:client' type='result'>{self.answer}</iq>")


def asking(answer: str | Exception = "") -> tuple[Any, Any, Asked]:
    """A protocol, a link to a session, and the session."""
    session = Asked(answer)
    protocol = RoomAdminProtocol.__new__(RoomAdminProtocol)
    return protocol, SimpleNamespace(session=SimpleNamespace(session=session)), session


async def test_what_is_asked_is_what_the_examples_ask() -> None:
    protocol, link, session = asking()
    await protocol.role(link, "harfleur@chat.shakespeare.lit", "pistol", "none", "Avaunt, you cullion!")
    await protocol.affiliate(link, ROOM, "hag66@shakespeare.lit", "member", "")
    await protocol.destroy(link, "heath@chat.shakespeare.lit", ROOM, "", "Macbeth doth come.")
    owner = "http://jabber.org/protocol/muc#owner"
    assert [payload for _kind, payload, _to in session.asked] == [
        f"<query xmlns='{ADMIN}'><item nick='pistol' role='none'>"
        "<reason>Avaunt, you cullion!</reason></item></query>",
        f"<query xmlns='{ADMIN}'><item affiliation='member' jid='hag66@shakespeare.lit'></item></query>",
        f"<query xmlns='{owner}'><destroy jid='{ROOM}'><reason>Macbeth doth come.</reason></destroy></query>",
    ]
    assert {kind for kind, _payload, _to in session.asked} == {"set"}
    protocol, link, _session = asking(StanzaError("forbidden", "", "auth"))
    with pytest.raises(SalutError) as caught:
        await protocol.affiliations(link, ROOM, "owner")
    assert caught.value.data["condition"] == "forbidden"


async def test_registration_and_reserved_nick() -> None:
    register = "<query xmlns='jabber:iq:register'>{}</query>"
    protocol, link, _session = asking(register.format("<registered/><username>thirdwitch</username>"))
    assert await protocol.registration(link, ROOM) == Form()
    protocol, link, _session = asking(register.format("<instructions>old style</instructions><username/>"))
    with pytest.raises(SalutError) as caught:
        await protocol.registration(link, ROOM)
    assert caught.value.code == "unavailable"
    info = "<query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'>{}</query>"
    named = "<identity category='conference' name='thirdwitch' type='text'/>"
    protocol, link, session = asking(info.format(named))
    assert await protocol.reserved_nick(link, ROOM) == "thirdwitch"
    assert "node='x-roomuser-item'" in session.asked[0][1]
    protocol, link, _session = asking(info.format(""))
    assert await protocol.reserved_nick(link, ROOM) == ""


async def test_pictures_that_are_none() -> None:
    good = base64.b64encode(b"png").decode()
    photos = "".join(
        f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{data}</BINVAL></PHOTO>"
        for data in ("*no base64*", "", "A" * 500_000, good)
    )
    protocol, link, _session = asking(f"<vCard xmlns='vcard-temp'>{photos}</vCard>")
    assert await protocol.photos(link, ROOM) == [("image/png", b"png")]


async def come(kit: EngineKit, text: str) -> None:
    """A message comes to a profile."""
    from salut.xmpp.router import Account

    account = Account("hecate", "hecate@shakespeare.lit", None)  # type: ignore[arg-type]  # not used
    result = kit.wires.router.route(account, kit.wires.shared.decoders.decode(ET.fromstring(text)))
    if result is not None:
        await result


async def test_voice_is_asked_for_only_by_a_room_that_we_moderate(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await kit.call(
            "profiles.create", name="hecate", address="hecate@shakespeare.lit", password="x", enabled=False
        )
        passing = kit.engine.journal.passing_now
        rooms: Any = kit.engine.plugins.plugins["rooms"].port()

        def waiting() -> list[str]:
            return [key for (_profile, kind, key) in passing() if kind == "voice"]

        request = VOICE.format(room=ROOM, nick="thirdwitch", role="participant")
        await come(kit, request)  # of a room that we are not in
        kept = rooms.keeper.add("hecate", Room(address=ROOM, nick="hecate"))
        kept.stay.show(state="joined", role="participant")
        for nick in ("hecate", "thirdwitch"):
            kept.stay.members[nick] = rooms.find("hecate", ROOM)  # any value: only the nick is looked at
        await come(kit, request)  # we may not grant it
        kept.stay.show(role="moderator")
        await come(kit, VOICE.format(room=f"{ROOM}/mallory", nick="thirdwitch", role="participant"))
        await come(kit, VOICE.format(room="mallory@evil.example", nick="thirdwitch", role="participant"))
        await come(kit, VOICE.format(room=ROOM, nick="nobody", role="participant"))
        await come(kit, request.replace("muc#request<", "muc#register<"))
        assert waiting() == []
        await come(kit, request)
        assert waiting() == [f"{ROOM}/thirdwitch"]
        assert b"hag66@shakespeare.lit" in passing()["hecate", "voice", f"{ROOM}/thirdwitch"]
        for number in range(300):
            kept.stay.members[f"w{number}"] = kept.stay.members["hecate"]
            await come(kit, VOICE.format(room=ROOM, nick=f"w{number}", role="owner"))
        assert len(waiting()) == 100


def test_other_forms_are_no_voice_requests() -> None:
    x = "<x xmlns='jabber:x:data' type='{}'><field var='FORM_TYPE'><value>{}</value></field></x>"
    request = "http://jabber.org/protocol/muc#request"
    assert voice_request(ET.fromstring(x.format("form", request))) is not None
    assert voice_request(ET.fromstring(x.format("submit", request))) is None
    assert voice_request(ET.fromstring(x.format("form", "urn:other"))) is None
