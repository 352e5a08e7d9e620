# SPDX-License-Identifier: AGPL-3.0-or-later
"""Copies are believed from one's own account alone (XEP-0280 section 11)."""

from __future__ import annotations

from typing import Any, cast
from xml.etree.ElementTree import fromstring

import pytest

from salut.plugins.carbons.protocol import CarbonsProtocol
from salut.xmpp.decode import Inbound
from salut.xmpp.router import Account, Router, Via, Wires
from salut.xmpp.shared import Shared
from tests.xmpp.support import Notes

OWN = "romeo@montague.example"


def taken(sender: str, way: str, from_: str, to: str) -> list[str]:
    """The bodies which a copy that ``sender`` brings makes messages of."""
    wires = Wires(Shared.fresh(), Router())
    CarbonsProtocol(wires, cast("Any", Notes()))
    seen: list[str] = []

    def main(_account: Account, inbound: Inbound, via: Via) -> None:
        assert via == "carbon"
        seen.append(str(inbound.parts["body"]))

    wires.router.main("chat", main)
    stanza = fromstring(
        f"<message xmlns='jabber:client' from='{sender}' to='{OWN}/home' type='chat'>"
        f"<{way} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
        f"<message xmlns='jabber:client' from='{from_}' to='{to}' type='chat'><body>copy</body></message>"
        f"</forwarded></{way}></message>"
    )
    wires.router.route(Account("p", OWN, cast("Any", None)), wires.shared.decoders.decode(stanza))
    return seen


def test_copies_of_the_standard_are_taken() -> None:
    assert taken(OWN, "received", "juliet@capulet.example/balcony", f"{OWN}/garden") == ["copy"]
    assert taken(OWN, "sent", f"{OWN}/garden", "juliet@capulet.example/balcony") == ["copy"]


@pytest.mark.parametrize(
    "sender",
    [
        "mallory@evil.example/x",
        f"{OWN}/other",
        "montague.example",
        "romeo@montague.example.evil",
        f"{OWN}.",
        "",
    ],
)
@pytest.mark.parametrize("way", ["received", "sent"])
def test_forged_carbons_are_refused(sender: str, way: str) -> None:
    ours, theirs = f"{OWN}/garden", "juliet@capulet.example/balcony"
    assert taken(sender, way, *((theirs, ours) if way == "received" else (ours, theirs))) == []


def test_copies_that_contradict_themselves_are_refused() -> None:
    assert taken(OWN, "sent", "juliet@capulet.example/balcony", f"{OWN}/garden") == []
    assert taken(OWN, "received", f"{OWN}/garden", "juliet@capulet.example/balcony") == []
