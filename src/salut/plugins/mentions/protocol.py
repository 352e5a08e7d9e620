# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mentions between stanzas and structs: references (XEP-0372) and explicit mentions (XEP-0513)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Message, NewMessage
from salut.plugins.history.content import Reference
from salut.xmpp.decode import Inbound
from salut.xmpp.router import Wires
from salut.xmpp.xmltext import attributes

REFERENCE: Final = "urn:xmpp:reference:0"
MENTIONS: Final = "urn:xmpp:mentions:0"
CHANNEL: Final = f"{MENTIONS}#channel"
MOST: Final = 50
MAX_URI: Final = 4_096

OwnAddresses = Callable[[str, str], set[str]]


def read_reference(element: Element) -> Reference | None:
    """``<reference/>``."""
    uri = element.get("uri", "")
    if not uri or len(uri) > MAX_URI:
        return None
    return Reference(
        uri=uri,
        begin=position(element.get("begin")),
        end=position(element.get("end")),
        mention=element.get("type") == "mention",
    )


def read_mention(element: Element) -> Reference | None:
    """``<mention/>``: of somebody by address or occupant id, or of a group of people."""
    group, occupant, jid = element.get("mentions", ""), element.get("occupantid", ""), element.get("jid", "")
    uri = group or (f"occupant:{occupant}" if occupant else f"xmpp:{jid}" if jid else "")
    if not uri or len(uri) > MAX_URI:
        return None
    return Reference(
        uri=uri, begin=position(element.get("begin")), end=position(element.get("end")), mention=True
    )


def position(text: str | None) -> int:
    """A place in a text; 0 for what is none."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 9 else 0


def address_of(uri: str) -> str:
    """The address in an ``xmpp:`` URI (RFC 5122), lower case but for the resource; empty where there is none."""
    if not uri.startswith("xmpp:"):
        return ""
    bare, slash, resource = unquote(uri[5:].lstrip("/").partition("?")[0]).partition("/")
    return bare.lower() + slash + resource


class MentionsProtocol:
    """Registers with the wires and with chat. ``own(profile, conversation)``: the addresses that mean the person."""

    def __init__(self, wires: Wires, chat: Chat, own: OwnAddresses) -> None:
        self._own = own
        decoders = wires.shared.decoders
        decoders.add(f"{{{REFERENCE}}}reference", "reference", read_reference, many=True)
        decoders.add(f"{{{MENTIONS}}}mention", "explicit-mention", read_mention, many=True)
        wires.shared.disco.add_feature(REFERENCE, MENTIONS, CHANNEL)
        chat.content("reference", self._fill)
        chat.content("explicit-mention", self._fill)
        chat.ask(write)

    def _fill(self, profile: str, new: NewMessage, inbound: Inbound) -> None:
        parts = inbound.parts
        found = cast("list[Reference]", parts.get("reference", [])) + cast(
            "list[Reference]", parts.get("explicit-mention", [])
        )
        length = len(new.body)
        new.references = [one for one in found if one.begin <= one.end <= length][:MOST]
        if new.outgoing or new.perhaps_own:
            return
        own = self._own(profile, new.conversation)
        for one in new.references:
            if (one.mention and (address_of(one.uri) in own or one.uri in own)) or (
                one.uri == CHANNEL and new.conversation_kind == "room"
            ):
                new.mention = True


def write(message: Message) -> str:
    """XEP-0372 section 3.1."""
    return "".join(
        f"<reference xmlns='{REFERENCE}' type='{'mention' if one.mention else 'data'}'"
        f"{attributes(uri=one.uri, begin=str(one.begin), end=str(one.end))}/>"
        for one in message.references
        if one.uri.startswith("xmpp:")
    )
