# SPDX-License-Identifier: AGPL-3.0-or-later
"""Copies of what our other devices send and receive (XEP-0280), by the standard's examples; forged ones are refused."""

from __future__ import annotations

from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
import structlog

from salut.plugins.carbons.protocol import CarbonsProtocol
from salut.xmpp.decode import Inbound
from salut.xmpp.router import Account, Router, Via, Wires
from salut.xmpp.shared import Shared

ROMEO = "romeo@montague.example"
JULIET = "juliet@capulet.example/balcony"


def copied(way: str, outer: str, inner_from: str, inner_to: str) -> list[tuple[Via, str, str]]:
    """What a copy with these addresses hands on as a message."""
    heard: list[tuple[Via, str, str]] = []
    wires = Wires(Shared.fresh(), Router())
    CarbonsProtocol(wires, structlog.get_logger())

    def main(_account: Account, inbound: Inbound, via: Via) -> None:
        heard.append((via, inbound.from_, str(inbound.parts["body"])))

    wires.router.main("chat", main)
    stanza = (
        f"<message xmlns='jabber:client' from='{outer}' to='{ROMEO}/home' type='chat'>"
        f"<{way} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
        f"<message xmlns='jabber:client' from='{inner_from}' to='{inner_to}' type='chat'>"
        "<body>What man art thou that, thus bescreen'd in night, so stumblest on my counsel?</body>"
        f"</message></forwarded></{way}></message>"
    )
    inbound = wires.shared.decoders.decode(ET.fromstring(stanza))
    wires.router.route(Account("romeo", ROMEO, cast("Any", None)), inbound, "")
    return heard


def test_the_examples() -> None:
    ((via, sender, body),) = copied("received", ROMEO, JULIET, f"{ROMEO}/garden")
    assert (via, sender, body[:8]) == ("carbon", JULIET, "What man")
    ((via, sender, _body),) = copied("sent", ROMEO, f"{ROMEO}/home", JULIET)
    assert (via, sender) == ("carbon", f"{ROMEO}/home")


@pytest.mark.parametrize(
    ("way", "outer", "inner_from", "inner_to"),
    [
        ("received", "mallory@evil.example", JULIET, f"{ROMEO}/garden"),
        ("received", f"{ROMEO}/mallory", JULIET, f"{ROMEO}/garden"),
        ("received", "montague.example", JULIET, f"{ROMEO}/garden"),
        ("sent", "mallory@evil.example", f"{ROMEO}/home", JULIET),
        ("sent", ROMEO, JULIET, f"{ROMEO}/garden"),
        ("received", ROMEO, f"{ROMEO}/home", JULIET),
    ],
)
def test_forged_carbons_are_refused(way: str, outer: str, inner_from: str, inner_to: str) -> None:
    assert copied(way, outer, inner_from, inner_to) == []
