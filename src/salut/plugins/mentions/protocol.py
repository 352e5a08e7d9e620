# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mentions between stanzas and structs: references (XEP-0372) and explicit mentions (XEP-0513)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import msgspec

from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Message, NewMessage, Reference
from salut.plugins.mentions.service import OCCUPANT
from salut.xmpp.decode import Inbound
from salut.xmpp.messages import without_fallback
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
    uri = group or (OCCUPANT + occupant if occupant else f"xmpp:{jid}" if jid else "")
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
        self._chat = chat
        chat.content("reference", self._fill, last=True)
        chat.content("explicit-mention", self._fill, last=True)
        chat.ask(self._write)

    def _fill(self, profile: str, new: NewMessage, inbound: Inbound) -> None:
        parts = inbound.parts
        found = cast("list[Reference]", parts.get("reference", [])) + cast(
            "list[Reference]", parts.get("explicit-mention", [])
        )
        new.references = placed(found, inbound, new.body)[:MOST]
        if new.outgoing or new.perhaps_own:
            return
        own = self._own(profile, new.conversation)
        for one in new.references:
            if (one.mention and (address_of(one.uri) in own or one.uri in own)) or (
                one.uri == CHANNEL and new.conversation_kind == "room"
            ):
                new.mention = True

    def _write(self, message: Message) -> str:
        return write(message, self._chat.prefaced_by(message)) if message.references else ""


def placed(found: list[Reference], inbound: Inbound, body: str) -> list[Reference]:
    """References with their places in the text as it is kept. They count in the text as it was sent; where a
    quotation was taken out of that (XEP-0428), what stands after it moves, and what stood in it is gone."""
    sent = str(inbound.parts.get("body", ""))
    cuts: list[tuple[int, int]] = []
    if sent != body:
        told = cast("list[tuple[str, list[tuple[int, int]]]]", inbound.parts.get("fallback", []))
        for namespace, spans in told:
            if spans and without_fallback(inbound, sent, namespace)[0] == body:
                cuts = spans
                break
    kept = []
    for one in found:
        if not one.begin <= one.end <= len(sent) or any(
            one.begin < end and start < one.end for start, end in cuts
        ):
            continue
        by = sum(end - start for start, end in cuts if end <= one.begin and start < end) if one.end else 0
        if one.end - by <= len(body):
            kept.append(msgspec.structs.replace(one, begin=one.begin - by, end=one.end - by))
    return kept


def write(message: Message, by: int = 0) -> str:
    """References (XEP-0372 section 3.2) and explicit mentions (XEP-0513 section 3.1); ``by``: how far places are
    moved by what stands before the text."""
    return "".join(_one(message, one, by) for one in message.references)


def _one(message: Message, one: Reference, by: int) -> str:
    where = attributes(begin=str(one.begin + by), end=str(one.end + by)) if one.end else ""
    if one.uri.startswith(OCCUPANT):
        return f"<mention xmlns='{MENTIONS}'{where}{attributes(occupantid=one.uri[len(OCCUPANT) :])}/>"
    if not one.uri.startswith("xmpp:"):
        return ""
    kind = "mention" if one.mention else "data"
    text = f"<reference xmlns='{REFERENCE}' type='{kind}'{where}{attributes(uri=one.uri)}/>"
    if one.mention and message.kind == "groupchat" and "/" not in one.uri:
        text += f"<mention xmlns='{MENTIONS}'{where}{attributes(jid=one.uri[5:])}/>"
    return text
