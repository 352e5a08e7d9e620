# SPDX-License-Identifier: AGPL-3.0-or-later
"""References (XEP-0372) and explicit mentions (XEP-0513) as they stand in stanzas, with the standards' examples."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from salut.plugins.history.api import Message
from salut.plugins.history.content import Reference
from salut.plugins.mentions import protocol
from salut.xmpp.decode import Inbound
from salut.xmpp.messages import FALLBACK, fallback

REPLY = "urn:xmpp:reply:0"


def test_the_examples_are_read() -> None:
    sun = ET.fromstring(
        "<reference xmlns='urn:xmpp:reference:0' begin='72' end='78' type='mention' uri='xmpp:juliet@capulet.lit'/>"
    )
    assert protocol.read_reference(sun) == Reference(
        uri="xmpp:juliet@capulet.lit", begin=72, end=78, mention=True
    )
    alice = ET.fromstring(
        "<mention xmlns='urn:xmpp:mentions:0' begin='7' end='12' occupantid='alice@occupant-id'/>"
    )
    assert protocol.read_mention(alice) == Reference(
        uri="occupant:alice@occupant-id", begin=7, end=12, mention=True
    )
    everybody = ET.fromstring("<mention xmlns='urn:xmpp:mentions:0' mentions='urn:xmpp:mentions:0#channel'/>")
    assert protocol.read_mention(everybody) == Reference(uri=protocol.CHANNEL, mention=True)


def message(*references: Reference) -> Message:
    return Message(
        id=1, conversation="r@c.example", place=1, at=1, sender="r@c.example/me", outgoing=True,
        kind="groupchat", body="x" * 100, references=[*references],
    )  # fmt: skip


def test_the_examples_are_written() -> None:
    sun = Reference(uri="xmpp:juliet@capulet.lit", begin=72, end=78, mention=True)
    alice = Reference(uri="occupant:alice@occupant-id", begin=7, end=12, mention=True)
    first, explicit, second = ET.fromstring(f"<m>{protocol.write(message(sun, alice))}</m>")
    assert first.attrib == {"type": "mention", "uri": "xmpp:juliet@capulet.lit", "begin": "72", "end": "78"}
    assert explicit.attrib == {"jid": "juliet@capulet.lit", "begin": "72", "end": "78"}
    assert second.tag == "{urn:xmpp:mentions:0}mention"
    assert second.attrib == {"occupantid": "alice@occupant-id", "begin": "7", "end": "12"}


def test_places_count_in_the_text_as_it_is_sent() -> None:
    (one,) = ET.fromstring(
        f"<m>{protocol.write(message(Reference(uri='occupant:a', begin=0, end=5, mention=True)), 9)}</m>"
    )
    assert (one.get("begin"), one.get("end")) == ("9", "14")


def inbound(body: str, *fallbacks: str) -> Inbound:
    parts: dict[str, object] = {
        "body": body,
        "fallback": [fallback(ET.fromstring(text)) for text in fallbacks],
    }
    return Inbound("", "", "groupchat", "", "", parts, ET.Element("message"), 0, [])


def test_places_move_when_a_quotation_is_taken_out() -> None:
    quotation, text = "> 😺 hello alice\n", "alice: hi"
    told = inbound(
        quotation + text,
        f"<fallback xmlns='{FALLBACK}' for='{REPLY}'><body start='0' end='{len(quotation)}'/></fallback>",
    )
    begin = len(quotation)
    within = Reference(uri="xmpp:in@quotation", begin=10, end=15)
    after = Reference(uri="xmpp:after@it", begin=begin, end=begin + 5)
    beyond = Reference(uri="xmpp:beyond@text", begin=begin, end=900)
    nowhere = Reference(uri="xmpp:no@place")
    kept = protocol.placed([within, after, beyond, nowhere], told, text)
    assert [(one.uri, one.begin, one.end) for one in kept] == [
        ("xmpp:after@it", 0, 5),
        ("xmpp:no@place", 0, 0),
    ]
    assert protocol.placed([within], inbound(quotation + text), quotation + text) == [within]
