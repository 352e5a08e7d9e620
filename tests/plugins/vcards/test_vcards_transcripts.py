# SPDX-License-Identifier: AGPL-3.0-or-later
"""vCards and nicknames on the wire: the standards' own examples, and what strangers may send."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element, fromstring

import msgspec
import pytest

from salut.plugins.pep.api import Event, Item
from salut.plugins.vcards import protocol
from salut.plugins.vcards.api import VCard
from salut.plugins.vcards.service import VCardsService
from tests.engine_kit import running_engine

# XEP-0054 example 2 (section 3.1), shortened in what repeats.
TEMP = """<vCard xmlns='vcard-temp'>
    <FN>Peter Saint-Andre</FN>
    <N><FAMILY>Saint-Andre</FAMILY><GIVEN>Peter</GIVEN><MIDDLE/></N>
    <NICKNAME>stpeter</NICKNAME>
    <URL>http://www.xmpp.org/xsf/people/stpeter.shtml</URL>
    <BDAY>1966-08-06</BDAY>
    <ORG><ORGNAME>XMPP Standards Foundation</ORGNAME><ORGUNIT/></ORG>
    <TITLE>Executive Director</TITLE>
    <ROLE>Patron Saint</ROLE>
    <TEL><WORK/><VOICE/><NUMBER>303-308-3282</NUMBER></TEL>
    <TEL><WORK/><FAX/><NUMBER/></TEL>
    <ADR><WORK/><EXTADD>Suite 600</EXTADD><STREET>1899 Wynkoop Street</STREET><LOCALITY>Denver</LOCALITY>
      <REGION>CO</REGION><PCODE>80202</PCODE><CTRY>USA</CTRY></ADR>
    <ADR><HOME/><LOCALITY>Denver</LOCALITY><PCODE>80209</PCODE></ADR>
    <EMAIL><INTERNET/><PREF/><USERID>stpeter@jabber.org</USERID></EMAIL>
    <JABBERID>stpeter@jabber.org</JABBERID>
    <DESC>More information about me is located on my personal website.</DESC>
  </vCard>"""

# XEP-0292 example 2 (section 3.1.1), shortened likewise.
V4 = """<vcard xmlns="urn:ietf:params:xml:ns:vcard-4.0">
    <fn><text>Peter Saint-Andre</text></fn>
    <n><surname>Saint-Andre</surname><given>Peter</given><additional></additional></n>
    <nickname><text>stpeter</text></nickname>
    <nickname><text>psa</text></nickname>
    <photo><uri>https://stpeter.im/images/stpeter_oscon.jpg</uri></photo>
    <bday><date>1966-08-06</date></bday>
    <adr><parameters><type><text>work</text><text>voice</text></type><pref><integer>1</integer></pref></parameters>
      <ext>Suite 600</ext><street>1899 Wynkoop Street</street><locality>Denver</locality><region>CO</region>
      <code>80202</code><country>USA</country></adr>
    <adr><parameters><type><text>home</text></type></parameters><locality>Parker</locality></adr>
    <tel><parameters><type><text>work</text><text>voice</text></type></parameters>
      <uri>tel:+1-303-308-3282</uri></tel>
    <title><text>Executive Director</text></title>
    <role><text>Patron Saint</text></role>
    <org><parameters><type><text>work</text></type></parameters><text>XMPP Standards Foundation</text></org>
    <url><uri>https://stpeter.im/</uri></url>
    <note><text>More information about me.</text></note>
    <gender><sex><text>M</text></sex></gender>
    <email><parameters><type><text>work</text></type></parameters><text>psaintan@cisco.com</text></email>
    <email><parameters><type><text>home</text></type></parameters><text>stpeter@jabber.org</text></email>
  </vcard>"""

PETER = VCard(
    address="stpeter@jabber.org",
    fn="Peter Saint-Andre",
    given="Peter",
    family="Saint-Andre",
    nickname="stpeter",
    bday="1966-08-06",
    org="XMPP Standards Foundation",
    title="Executive Director",
    role="Patron Saint",
    note="More information about me is located on my personal website.",
    street="1899 Wynkoop Street",
    locality="Denver",
    region="CO",
    code="80202",
    country="USA",
    url=["http://www.xmpp.org/xsf/people/stpeter.shtml"],
    email=["stpeter@jabber.org"],
    tel=["303-308-3282"],
)


def test_the_old_form_is_read() -> None:
    assert protocol.read(fromstring(TEMP), PETER.address) == PETER


def test_the_new_form_is_read() -> None:
    assert protocol.read(fromstring(V4), PETER.address) == msgspec.structs.replace(
        PETER,
        note="More information about me.",
        url=["https://stpeter.im/"],
        email=["psaintan@cisco.com", "stpeter@jabber.org"],
        tel=["+1-303-308-3282"],
    )


@pytest.mark.parametrize("old", [TEMP, V4])
def test_only_what_changed_is_written_anew(old: str) -> None:
    element = fromstring(old)
    space = protocol.V4 if old == V4 else protocol.TEMP
    before = protocol.read(element)
    new = msgspec.structs.replace(
        before, title="Retired", org="", locality="Parker, Colorado", email=["p@x.example"]
    )
    written = fromstring(protocol.changed(element, new, space))
    assert protocol.read(written) == new
    tags = [child.tag.rpartition("}")[2].lower() for child in written]
    assert tags.count("adr") == 2
    assert "org" not in tags
    assert ("jabberid" if space == protocol.TEMP else "gender") in tags
    kept = [child for child in written if child.tag.lower().endswith("}tel")]
    assert [_flat(child) for child in kept] == [
        _flat(child) for child in element if child.tag.lower().endswith("}tel")
    ]
    same = fromstring(protocol.changed(element, before, space))
    assert sorted(map(_flat, same)) == sorted(map(_flat, element))


def _flat(element: Element) -> str:
    """An element without the white space between its children."""
    return f"{element.tag}({(element.text or '').strip()}{''.join(map(_flat, element))})"


@pytest.mark.parametrize("space", [protocol.TEMP, protocol.V4])
def test_a_first_vcard(space: str) -> None:
    card = msgspec.structs.replace(PETER, address="", fn="<&>'\"", tel=["1", "2"])
    assert protocol.read(fromstring(protocol.changed(None, card, space))) == card
    assert len(fromstring(protocol.changed(None, VCard(address=""), space))) == 0


def test_a_vcard_is_read_within_bounds() -> None:
    many = "".join(f"<EMAIL><USERID>{n}</USERID></EMAIL>" for n in range(1000))
    card = protocol.read(
        fromstring(f"<vCard xmlns='vcard-temp'><FN>{'x' * 5000}</FN><DESC>{'x' * 50000}</DESC>{many}</vCard>")
    )
    assert (len(card.fn), len(card.note), len(card.email)) == (1_000, 10_000, protocol.MOST)


NICK = "<nick xmlns='http://jabber.org/protocol/nick'>{}</nick>"


@pytest.mark.parametrize(
    ("payload", "nick"),
    [
        (NICK.format("CallMeIshmael"), "CallMeIshmael"),  # XEP-0172 example 5
        (NICK.format("  two \n lines "), "two lines"),
        (NICK.format("right\u202eleft\u200b"), "rightleft"),
        (NICK.format(""), ""),
        (NICK.format("x" * 5000), "x" * 1000),
        ("<nick xmlns='urn:other'>x</nick>", ""),
    ],
)
def test_nicknames_are_one_visible_line(payload: str, nick: str) -> None:
    assert protocol.read_nick(fromstring(payload)) == nick


async def test_a_stranger_cannot_name_themselves(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await kit.call(
            "profiles.create",
            name="ahab",
            address="ahab@moby-dick.lit",
            password="x",
            settings={"enabled": False},
        )
        service = cast("VCardsService", cast("Any", kit.engine.plugins.plugins["vcards"])._service)
        for sender in ("narrator@moby-dick.lit", "ahab@moby-dick.lit"):
            item = Item("1", fromstring(NICK.format("Captain")))
            await service._event("ahab", Event(sender=sender, node=protocol.NICK, items=[item]))
        assert await kit.call("vcards.nicknames", profile="ahab") == [
            {"address": "ahab@moby-dick.lit", "nick": "Captain"}
        ]
        await service._event("ahab", Event(sender="ahab@moby-dick.lit", node=protocol.NICK, gone=True))
        assert await kit.call("vcards.nicknames", profile="ahab") == []
