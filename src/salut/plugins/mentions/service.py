# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mentions decide: whom a text of the person's names, and by which addresses the person is named."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from salut.engine.plugin import Host
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import NewMessage, Reference
from salut.plugins.mentions.finding import MOST, named
from salut.plugins.rooms.api import Rooms

OCCUPANT: Final = "occupant:"
SAFE: Final = "@!$&'()*+,;=:-._~"  # what stands for itself in an xmpp: URI (RFC 5122)


class Mentions:
    """Asks rooms who is in them; without rooms there is nobody to name."""

    def __init__(self, host: Host, chat: Chat) -> None:
        self._host = host
        self._chat = chat
        self._rooms = host.prefer("rooms", Rooms)  # type: ignore[type-abstract]  # the port's Protocol

    def own(self, profile: str, conversation: str) -> set[str]:
        """What means the person there: addresses, and in rooms that vouch for it the occupant id (XEP-0421)."""
        here = self._chat.own_address(profile, conversation)
        found = {self._host.address(profile), here}
        if self._rooms is not None:
            member = self._rooms.members_of(profile, conversation).get(here.partition("/")[2])
            if member is not None and member.occupant:
                found.add(OCCUPANT + member.occupant)
        return found

    def compose(self, profile: str, new: NewMessage) -> None:
        """Add to a message for a room who of it is named in the text. What a window says itself stands."""
        if self._rooms is None or new.kind != "groupchat" or not new.body or new.references:
            return
        room = new.conversation
        members = self._rooms.members_of(profile, room)
        references: list[Reference] = []
        for one in named(new.body, members):
            member = members[one.nick]
            if member.me:
                continue
            uri = f"xmpp:{room}/{quote(one.nick, safe=SAFE)}"
            if member.address and not member.occupant:
                uri = f"xmpp:{member.address.partition('/')[0]}"
            uris = [uri, OCCUPANT + member.occupant] if member.occupant else [uri]
            references += [Reference(uri=u, begin=one.begin, end=one.end, mention=True) for u in uris]
        new.references = references[:MOST]
