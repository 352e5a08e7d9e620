# SPDX-License-Identifier: AGPL-3.0-or-later
"""Markers between stanzas and chat (XEP-0333 version 1.0: only ``displayed`` is left of them)."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from salut.engine.plugin import Link
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Message
from salut.xmpp.decode import Inbound
from salut.xmpp.errors import BusyError, OfflineError
from salut.xmpp.router import Account, Via, Wires
from salut.xmpp.xmltext import escape

MARKERS = "urn:xmpp:chat-markers:0"


class MarkersProtocol:
    """Registers with the wires and with chat."""

    def __init__(self, wires: Wires, chat: Chat) -> None:
        self._chat = chat
        decoders = wires.shared.decoders
        decoders.add(f"{{{MARKERS}}}markable", "markable", lambda _element: True)
        decoders.add(f"{{{MARKERS}}}displayed", "displayed", lambda element: element.get("id") or None)
        wires.shared.disco.add_feature(MARKERS)
        wires.router.observe("displayed", self._came)
        chat.ask(ask)

    def _came(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        other = inbound.from_.partition("/")[0].lower()
        if inbound.type in ("error", "groupchat") or other == account.bare:
            return None
        return self._chat.advance(account.profile, cast("str", inbound.parts["displayed"]), "read", by=other)

    def send(self, link: Link, message: Message) -> None:
        """Tell its sender that a message was read. Without a link nothing is told: it is only a courtesy."""
        try:
            cast("Account", link.session).session.send(
                f"<message to='{escape(message.conversation)}' type='chat'>"
                f"<displayed xmlns='{MARKERS}' id='{escape(message.origin)}'/>"
                "<store xmlns='urn:xmpp:hints'/></message>"
            )
        except (OfflineError, BusyError):
            return


def ask(message: Message) -> str:
    """The request that goes with a message to a person."""
    return f"<markable xmlns='{MARKERS}'/>" if message.kind in ("chat", "normal") else ""
