# SPDX-License-Identifier: AGPL-3.0-or-later
"""Moves between stanzas and structs (XEP-0283)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast
from xml.etree.ElementTree import Element

from salut.engine.plugin import Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.pep.api import Item
from salut.xmpp.errors import BusyError, OfflineError
from salut.xmpp.router import Account
from salut.xmpp.xmltext import attributes, escape

if TYPE_CHECKING:
    from slixmpp.stanza import Presence as Stanza

    from salut.plugins.moved.service import MovedService

MOVED: Final = "urn:xmpp:moved:1"


def bare_of(text: str | None) -> str:
    """A bare address that a stanza names; empty where it is none, or has a resource."""
    try:
        parts = addresses.parse((text or "").strip()[:3071])
    except SalutError:
        return ""
    return parts.bare if parts.local and not parts.resource else ""


def statement(address: str) -> str:
    """What the old account publishes."""
    return f"<moved xmlns='{MOVED}'><new-jid>{escape(address)}</new-jid></moved>"


def stated(items: Sequence[Item]) -> str:
    """The new address that an old account's node names; empty where it names none, or more than one."""
    found = set()
    for item in items[:10]:
        if isinstance(item.payload, Element) and item.payload.tag == f"{{{MOVED}}}moved":
            new = item.payload.findall(f"{{{MOVED}}}new-jid")
            found |= {bare_of(element.text) for element in new}
    return found.pop() if len(found) == 1 else ""


class MovedProtocol:
    """Listens for requests that tell of a move, and sends them."""

    def __init__(self, service: MovedService) -> None:
        self._service = service

    def wire(self, link: Link) -> None:
        """Listen to a session."""
        account = cast("Account", link.session)

        def came(stanza: Stanza) -> None:
            self.subscription(account.profile, account.bare, stanza.xml)

        account.session.client.add_event_handler("changed_subscription", came)

    def subscription(self, profile: str, own: str, element: Element) -> None:
        """A presence stanza about subscriptions."""
        moved = element.find(f"{{{MOVED}}}moved") if element.get("type") == "subscribe" else None
        if moved is None:
            return
        sender = bare_of(element.get("from", "").partition("/")[0])
        old = bare_of(moved.findtext(f"{{{MOVED}}}old-jid"))
        if sender and old and own not in (sender, old) and sender != old:
            self._service.told(profile, sender, old)

    def tell(self, link: Link, address: str, old: str) -> None:
        """Ask a contact from the new account. ``not-connected``, ``busy``."""
        inner = f"<moved xmlns='{MOVED}'><old-jid>{escape(old)}</old-jid></moved>"
        try:
            cast("Account", link.session).session.send(
                f"<presence{attributes(to=address)} type='subscribe'>{inner}</presence>"
            )
        except OfflineError as error:
            raise SalutError("not-connected", str(error), {"profile": link.profile}) from None
        except BusyError as error:
            raise SalutError("busy", str(error)) from None
