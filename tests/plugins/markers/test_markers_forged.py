# SPDX-License-Identifier: AGPL-3.0-or-later
"""A displayed marker says only what its own sender has read (XEP-0333)."""

from __future__ import annotations

from typing import Any, cast
from xml.etree.ElementTree import fromstring

import pytest

from salut.plugins.markers.protocol import MarkersProtocol
from salut.xmpp.router import Account, Router, Wires
from salut.xmpp.shared import Shared


class _Chat:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def ask(self, _what: object) -> None:
        """Nothing is sent here."""

    def advance(self, _profile: str, origin: str, state: str, *, by: str) -> None:
        self.told.append((origin, state, by))


@pytest.mark.parametrize(
    ("sender", "kind", "told"),
    [
        ("juliet@capulet.example/balcony", "chat", [("m1", "read", "juliet@capulet.example")]),
        ("mallory@evil.example/x", "chat", [("m1", "read", "mallory@evil.example")]),  # chat holds it against `by`
        ("romeo@montague.example/other", "chat", []),
        ("room@muc.example/romeo", "groupchat", []),
        ("juliet@capulet.example/balcony", "error", []),
    ],
)
def test_forged_read_marks_speak_for_their_sender_alone(
    sender: str, kind: str, told: list[tuple[str, str, str]]
) -> None:
    wires, chat = Wires(Shared.fresh(), Router()), _Chat()
    MarkersProtocol(wires, cast("Any", chat))
    stanza = fromstring(
        f"<message xmlns='jabber:client' from='{sender}' type='{kind}'>"
        "<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/></message>"
    )
    account = Account("p", "romeo@montague.example", cast("Any", None))
    wires.router.route(account, wires.shared.decoders.decode(stanza))
    assert chat.told == told
