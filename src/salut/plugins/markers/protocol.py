# SPDX-License-Identifier: AGPL-3.0-or-later
"""Markers between stanzas and chat (XEP-0333 version 1.0: only ``displayed`` is left of them)."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from salut.engine.plugin import Link
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Message
from salut.xmpp.decode import Inbound
from salut.xmpp.errors import BusyError, OfflineError
from salut.xmpp.messages import MAX_ID
from salut.xmpp.router import Account, Via, Wires
from salut.xmpp.xmltext import escape

if TYPE_CHECKING:
    from salut.plugins.markers.service import MarkersService

MARKERS = "urn:xmpp:chat-markers:0"


class MarkersProtocol:
    """Registers with the wires and with chat."""

    def __init__(self, wires: Wires, chat: Chat, service: MarkersService) -> None:
        self._chat = chat
        self._service = service
        decoders = wires.shared.decoders
        decoders.add(f"{{{MARKERS}}}markable", "markable", lambda _element: True)
        decoders.add(
            f"{{{MARKERS}}}displayed", "displayed", lambda element: element.get("id", "")[:MAX_ID] or None
        )
        wires.shared.disco.add_feature(MARKERS)
        wires.router.observe("displayed", self._came)
        chat.ask(ask)

    def _came(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        other, _, resource = inbound.from_.partition("/")
        other = other.lower()
        key = cast("str", inbound.parts["displayed"])
        if inbound.type == "error":
            return None
        if inbound.type == "groupchat":
            return None if via else self._service.seen_in_room(account.profile, other, resource, key)
        if other == account.bare:
            return self._service.seen_elsewhere(account.profile, inbound.to, key) if via else None
        return self._chat.advance(account.profile, key, "read", by=other)

    def send(self, link: Link, message: Message) -> None:
        """Tell its sender that a message was read."""
        self._send(link, message.conversation, "chat", message.origin, "<store xmlns='urn:xmpp:hints'/>")

    def send_room(self, link: Link, room: str, archive: str) -> None:
        """Tell all in a room up to which message, by the room's own id (section 4.3)."""
        self._send(link, room, "groupchat", archive, "")

    def _send(self, link: Link, to: str, kind: str, key: str, hints: str) -> None:
        """Without a link nothing is told: it is only a courtesy."""
        try:
            cast("Account", link.session).session.send(
                f"<message to='{escape(to)}' type='{kind}'>"
                f"<displayed xmlns='{MARKERS}' id='{escape(key)}'/>{hints}</message>"
            )
        except (OfflineError, BusyError):
            return


def ask(message: Message) -> str:
    """The request that goes with a message to a person."""
    return f"<markable xmlns='{MARKERS}'/>" if message.kind in ("chat", "normal") else ""
