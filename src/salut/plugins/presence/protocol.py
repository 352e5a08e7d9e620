# SPDX-License-Identifier: AGPL-3.0-or-later
"""Presence between stanzas and structs (RFC 6121 section 4, capabilities of XEP-0115)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast
from xml.etree.ElementTree import Element

from salut.engine.plugin import Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.presence.api import Show, Status
from salut.plugins.presence.resources import MAX_TEXT, Heard
from salut.xmpp.errors import BusyError, OfflineError
from salut.xmpp.router import Account

if TYPE_CHECKING:
    from slixmpp.stanza import Presence as Stanza

    from salut.plugins.presence.service import PresenceService

CLIENT: Final = "jabber:client"
ROOM_USER: Final = "{http://jabber.org/protocol/muc#user}x"
SHOWS: Final[dict[str, Show]] = {"chat": "chat", "away": "away", "xa": "xa", "dnd": "dnd"}


def read(element: Element) -> Heard:
    """What an available presence says; words that RFC 6121 does not know count as nothing said."""
    show = (element.findtext(f"{{{CLIENT}}}show") or "").strip()
    status = element.findtext(f"{{{CLIENT}}}status") or ""
    try:
        priority = int((element.findtext(f"{{{CLIENT}}}priority") or "0")[:5])
    except ValueError:
        priority = 0
    return Heard(SHOWS.get(show, "online"), status[:MAX_TEXT], min(max(priority, -128), 127))


class PresenceProtocol:
    """Listens to each session, and tells it our status."""

    def __init__(self, service: PresenceService) -> None:
        self._service = service

    def wire(self, link: Link) -> None:
        """Listen to a session."""
        account = cast("Account", link.session)

        def came(stanza: Stanza) -> None:
            self.received(account.profile, account.bare, stanza.xml)

        account.session.client.add_event_handler("presence", came)

    def received(self, profile: str, own: str, element: Element) -> None:
        """One presence stanza of any type. Occupants of rooms (XEP-0045 section 7.2) are not contacts."""
        kind = element.get("type", "")
        if kind not in ("", "unavailable", "error") or element.find(ROOM_USER) is not None:
            return
        try:
            sender = addresses.parse(element.get("from", ""))
        except SalutError:
            return
        if sender.bare == own:
            return  # our own devices are no contacts
        said = read(element) if not kind else None
        self._service.heard(profile, sender.bare, sender.resource if kind != "error" else "", said)

    def announce(self, link: Link, status: Status) -> bool:
        """Broadcast our presence; False when there is no stream to do it on."""
        session = cast("Account", link.session).session
        try:
            if status.show == "offline":
                session.send("<presence type='unavailable'/>")
            else:
                session.announce("" if status.show == "online" else status.show, status.status)
        except (OfflineError, BusyError):
            return False
        return True
