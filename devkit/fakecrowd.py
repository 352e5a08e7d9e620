# SPDX-License-Identifier: AGPL-3.0-or-later
"""Crowds for the fake server: rooms full of members, and rosters full of contacts, rendered without I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

MUC = "http://jabber.org/protocol/muc"
_CAPS = (
    "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' "
    "ver='2h7Zo6Q3vVxgXC1jGsaYhDSsaPk='/><x xmlns='vcard-temp:x:update'>"
    "<photo>f0c6f2d8d3c0e6f4a0a4f1b0f0f0f0f0f0f0f0f0</photo></x>"
)
_SHOWS = ("<show>away</show>", "", "<show>dnd</show><status>in a meeting</status>", "<show>xa</show>")


@dataclass(frozen=True, slots=True)
class Crowd:
    """``members``: of each room that somebody enters, whatever its name. ``contacts``: of the roster."""

    members: int = 0
    contacts: int = 0

    def entered(self, room: str, nick: str, to: str) -> str:
        """What a room answers to who enters it: all members, the own presence, the topic (XEP-0045 section 7.2)."""
        others = "".join(self._member(room, number, to, "") for number in range(self.members))
        own = (
            f"<presence from={quoteattr(f'{room}/{nick}')} to={quoteattr(to)}><x xmlns='{MUC}#user'>"
            "<item affiliation='none' role='participant'/><status code='110'/></x></presence>"
        )
        topic = f"<message from={quoteattr(room)} to={quoteattr(to)} type='groupchat'><subject>Talk</subject></message>"
        return others + own + topic

    def left(self, room: str, nick: str, to: str) -> str:
        """What it answers to who leaves it (section 7.14)."""
        return (
            f"<presence from={quoteattr(f'{room}/{nick}')} to={quoteattr(to)} type='unavailable'>"
            f"<x xmlns='{MUC}#user'><item affiliation='none' role='none'/><status code='110'/></x></presence>"
        )

    def storm(self, room: str, count: int, to: str) -> Iterator[str]:
        """``count`` presences of its members: each is another member, and says something new."""
        for number in range(count):
            show = _SHOWS[(number // max(self.members, 1)) % len(_SHOWS)]
            yield self._member(room, number % self.members, to, show)

    def _member(self, room: str, number: int, to: str, show: str) -> str:
        return (
            f"<presence from={quoteattr(f'{room}/member {number}')} to={quoteattr(to)}>{show}{_CAPS}"
            f"<x xmlns='{MUC}#user'><item affiliation='member' role='participant' jid='u{number}@localhost/x'/></x>"
            "</presence>"
        )

    def roster(self) -> str:
        """The answer to the question for the roster (RFC 6121 section 2.1.4)."""
        items = "".join(
            f"<item jid='c{number}@localhost' name='Contact {number}' subscription='both'>"
            f"<group>Group {number % 20}</group></item>"
            for number in range(self.contacts)
        )
        return f"<query xmlns='jabber:iq:roster' ver='{self.contacts}'>{items}</query>"

    def greetings(self, to: str) -> str:
        """The presence of each contact."""
        return "".join(
            f"<presence from='c{number}@localhost/x' to={quoteattr(to)}>{_SHOWS[number % 4]}{_CAPS}</presence>"
            for number in range(self.contacts)
        )
