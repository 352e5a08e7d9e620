# SPDX-License-Identifier: AGPL-3.0-or-later
"""Receipts between stanzas and chat: asked for, given, taken (XEP-0184)."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Message
from salut.xmpp.decode import Inbound
from salut.xmpp.errors import BusyError, OfflineError
from salut.xmpp.router import Account, Via, Wires
from salut.xmpp.xmltext import escape

RECEIPTS = "urn:xmpp:receipts"


class ReceiptsProtocol:
    """Registers with the wires and with chat."""

    def __init__(self, wires: Wires, chat: Chat) -> None:
        self._chat = chat
        decoders = wires.shared.decoders
        decoders.add(f"{{{RECEIPTS}}}request", "receipt-request", lambda _element: True)
        decoders.add(f"{{{RECEIPTS}}}received", "receipt", lambda element: element.get("id") or None)
        wires.shared.disco.add_feature(RECEIPTS)
        wires.router.stored("receipt-request", self._asked)
        wires.router.observe("receipt", self._came)
        chat.ask(ask)

    def _asked(self, account: Account, inbound: Inbound, via: Via) -> None:
        """Only live and stored, only to people, never to a receipt, an error or ourselves (section 5.3, 5.5)."""
        own = inbound.from_.partition("/")[0] == account.bare
        if own or not inbound.id or inbound.type not in ("chat", "normal") or "receipt" in inbound.parts:
            return
        if not inbound.parts.get("body"):
            return
        if self._chat.is_silent(account.profile, inbound.from_.partition("/")[0].lower()):
            return  # a stranger would learn that somebody is there, a blocked one that nothing is blocked
        try:
            account.session.send(
                f"<message to='{escape(inbound.from_)}' type='{inbound.type}'>"
                f"<received xmlns='{RECEIPTS}' id='{escape(inbound.id)}'/><store xmlns='urn:xmpp:hints'/></message>"
            )
        except (OfflineError, BusyError):
            return  # the message comes again after the resumption, and with it this question

    def _came(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        other = inbound.from_.partition("/")[0].lower()
        if inbound.type == "error" or other == account.bare:
            return None
        key = cast("str", inbound.parts["receipt"])
        return self._chat.advance(account.profile, key, "delivered", by=other)


def ask(message: Message) -> str:
    """The request that goes with a message to a person."""
    return f"<request xmlns='{RECEIPTS}'/>" if message.kind in ("chat", "normal") else ""
