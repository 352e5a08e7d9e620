# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages between stanzas and history's structs: bodies, ids (XEP-0359), delays (XEP-0203), states (XEP-0085),
hints (XEP-0334)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast
from xml.etree.ElementTree import Element

import msgspec

from salut.engine.plugin import Link
from salut.model.errors import SalutError
from salut.plugins.chat.api import TypingState
from salut.plugins.history.api import Message, NewMessage, OwnAct
from salut.xmpp.decode import Inbound
from salut.xmpp.errors import BusyError, OfflineError, StanzaError
from salut.xmpp.messages import (
    DELAY,
    FALLBACK,
    MAX_ID,
    SID,
    archive_id,
    delay,
    fallback,
    origin_of,
    server_time,
    stanza_id,
)
from salut.xmpp.router import Account, Via, Wires
from salut.xmpp.xmltext import escape

if TYPE_CHECKING:
    from salut.plugins.chat.service import ChatService

CHAT_STATES = "http://jabber.org/protocol/chatstates"
STATES: tuple[TypingState, ...] = ("active", "composing", "paused", "inactive", "gone")
STYLING = "urn:xmpp:styling:0"
EME = "urn:xmpp:eme:0"
HINTS = "urn:xmpp:hints"
ENCRYPTIONS = {
    "eu.siacs.conversations.axolotl": "OMEMO",
    "urn:xmpp:omemo:1": "OMEMO",
    "urn:xmpp:omemo:2": "OMEMO",
    "urn:xmpp:otr:0": "OTR",
    "jabber:x:encrypted": "OpenPGP",
    "urn:xmpp:openpgp:0": "OpenPGP",
}


def new_message(account: Account, inbound: Inbound, is_room: Callable[[str], bool]) -> NewMessage:
    """A message between people as history takes it, with what every message has.

    ``is_room``: whether a bare address is a room's, so that this is a private chat with one of its occupants
    (XEP-0045 section 7.5).
    """
    parts = inbound.parts
    body = parts.get("body", "")
    subject = parts.get("subject", "") if body or inbound.type == "normal" else ""
    origin = origin_of(inbound)
    sender = inbound.from_
    outgoing = sender.partition("/")[0] == account.bare
    other, _, resource = (inbound.to if outgoing else sender).partition("/")
    other = (other or account.bare).lower()
    private = bool(resource) and is_room(other)
    return NewMessage(
        conversation=f"{other}/{resource}" if private else other,
        conversation_kind="private" if private else "contact",
        sender=sender,
        outgoing=outgoing,
        kind="private" if private else "normal" if inbound.type == "normal" else "chat",
        body=str(body),
        subject=str(subject),
        thread=str(parts.get("thread", ""))[:512],
        state="sent" if outgoing else "received",
        origin=origin,
        stanza=inbound.id[:MAX_ID] if inbound.id != origin else "",
        archive=archive_id(inbound, account.bare),
        markable="markable" in parts,
        at=server_time(inbound, (account.bare, account.bare.partition("@")[2])),
    )


def encryption(element: Element) -> str | None:
    """How a message that we cannot read is encrypted, in words (XEP-0380)."""
    namespace = element.get("namespace", "")[:200]
    return ENCRYPTIONS.get(namespace, element.get("name", "")[:100] or namespace) or None


def register(service: ChatService) -> None:
    """What chat itself reads of a message beside its text: how it wants to be shown, and that it is encrypted."""
    service.content("unstyled", _fill_unstyled)
    service.content("encryption", _fill_encryption)


def _fill_unstyled(_profile: str, new: NewMessage, _inbound: Inbound) -> None:
    new.unstyled = True


def _fill_encryption(_profile: str, new: NewMessage, inbound: Inbound) -> None:
    new.encryption = str(inbound.parts["encryption"])


def type_of(message: Message) -> str:
    """The type of the stanza that carries a message."""
    return message.kind if message.kind in ("groupchat", "normal") else "chat"


class ChatProtocol:
    """Registers with the wires, and writes stanzas."""

    def __init__(self, wires: Wires, service: ChatService) -> None:
        self._service = service
        self._begun: dict[str, int] = {}
        decoders = wires.shared.decoders
        decoders.add(f"{{{SID}}}stanza-id", "stanza-id", stanza_id, many=True)
        decoders.add(f"{{{SID}}}origin-id", "origin-id", lambda element: element.get("id"))
        decoders.add(f"{{{DELAY}}}delay", "delay", delay, many=True)
        for state in STATES:
            decoders.add(
                f"{{{CHAT_STATES}}}{state}", "chat-state", lambda element: element.tag.rpartition("}")[2]
            )
        decoders.add(f"{{{FALLBACK}}}fallback", "fallback", fallback, many=True)
        decoders.add(f"{{{STYLING}}}unstyled", "unstyled", lambda _element: True)
        decoders.add(f"{{{EME}}}encryption", "encryption", encryption)
        for hint in ("no-store", "no-permanent-store"):
            decoders.add(f"{{{HINTS}}}{hint}", "fleeting", lambda _element: True)
        wires.shared.disco.add_feature(CHAT_STATES, SID, FALLBACK, STYLING, EME)
        router = wires.router
        router.main("chat", self._message)
        router.main("normal", self._message)
        router.reader("chat", self._read)
        router.reader("normal", self._read)
        router.main("error", self._error)
        router.observe("chat-state", self._chat_state)
        router.on_acked(lambda account, keys: service.acked(account.profile, keys))

    # In
    def _message(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        new = self._read(account, inbound, archived=False)
        if new is None:
            return None
        # after a resumption the server stamps what this very session missed
        late = bool(new.at) and not account.session.resumed
        return self._service.received(account.profile, new, late)

    def _read(self, account: Account, inbound: Inbound, archived: bool = True) -> NewMessage | None:
        parts, service = inbound.parts, self._service
        if not parts.get("body") and not parts.get("subject") and not service.holds(inbound):
            return None
        new = new_message(account, inbound, lambda bare: service.is_room(account.profile, bare))
        return service.filled(account.profile, new, inbound, archived)

    def _error(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        problem = inbound.parts.get("error")
        words = problem.text or problem.condition if isinstance(problem, StanzaError) else ""
        bare, _, resource = inbound.from_.partition("/")
        other = bare.lower()
        if resource and self._service.is_room(account.profile, other):
            other = f"{other}/{resource}"
        return self._service.bounced(account.profile, origin_of(inbound), other, words)

    def _chat_state(self, account: Account, inbound: Inbound, via: Via) -> None:
        if not via and inbound.type != "error":
            state = cast("Any", inbound.parts["chat-state"])
            self._service.heard(account.profile, inbound.from_, state, group=inbound.type == "groupchat")

    # Out
    def begin(self, link: Link) -> None:
        """Messages may leave on the session that stands now."""
        self._begun[link.profile] = cast("Account", link.session).session.serial

    def has_begun(self, link: Link) -> bool:
        """Whether messages may leave on this session already."""
        return self._begun.get(link.profile) == cast("Account", link.session).session.serial

    def send(self, link: Link, message: Message, more: str = "") -> None:
        """Put a stored message on its way, with what other features add and ``more``. ``not-connected``, also while
        a fresh session is being opened: what is pending goes first."""
        if not self.has_begun(link):
            raise SalutError("not-connected", "the session is being opened")
        kind = type_of(message)
        subject = f"<subject>{escape(message.subject)}</subject>" if message.subject else ""
        thread = f"<thread>{escape(message.thread)}</thread>" if message.thread else ""
        state = f"<active xmlns='{CHAT_STATES}'/>" if kind == "chat" else ""
        _send(
            link,
            f"<message to='{escape(message.conversation)}' type='{kind}' id='{escape(message.origin)}'>{subject}"
            f"<body>{escape(self._service.prefaced(message))}</body>{thread}"
            f"<origin-id xmlns='{SID}' id='{escape(message.origin)}'/>{state}{self._service.beside(message)}{more}"
            "</message>",
            message.origin,
        )

    def send_act(self, link: Link, own: OwnAct) -> None:
        """Put on its way what the person did to a message. Archives are to keep it (XEP-0334). ``not-connected``."""
        if not self.has_begun(link):
            raise SalutError("not-connected", "the session is being opened")
        xml = self._service.written(own)
        if own.content is not None:
            values = {name: getattr(own.content, name) for name in own.content.__struct_fields__}
            message = msgspec.structs.replace(own.message, origin=own.origin, **values)
            self.send(link, message, xml)
            return
        to, key = escape(own.message.conversation), escape(own.origin)
        _send(
            link,
            f"<message to='{to}' type='{type_of(own.message)}' id='{key}'>{xml}"
            f"<origin-id xmlns='{SID}' id='{key}'/><store xmlns='{HINTS}'/></message>",
            own.origin,
        )

    def send_state(self, link: Link, to: str, kind: str, state: TypingState) -> None:
        """XEP-0085; not stored by archives (XEP-0334)."""
        _send(
            link,
            f"<message to='{escape(to)}' type='{kind}'><{state} xmlns='{CHAT_STATES}'/>"
            f"<no-store xmlns='{HINTS}'/></message>",
            None,
        )


def _send(link: Link, text: str, track: str | None) -> None:
    account = cast("Account", link.session)
    try:
        account.session.send(text, track=track)
    except (OfflineError, BusyError) as error:
        raise SalutError("not-connected", str(error)) from None
