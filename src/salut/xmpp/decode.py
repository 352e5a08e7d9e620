# SPDX-License-Identifier: AGPL-3.0-or-later
"""The hot road: a message's children are walked once, through one table.

A feature registers decoders for the elements that it knows; each becomes a named part of the ``Inbound``.
Nothing else is built. One table serves all sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from salut.xmpp.errors import StanzaError
from salut.xmpp.parser import REFUSED

CLIENT: Final = "jabber:client"
STANZAS: Final = "urn:ietf:params:xml:ns:xmpp-stanzas"
XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
MESSAGE: Final = f"{{{CLIENT}}}message"

MAX_CHILDREN = 200
"""Children of one message that are looked at. Texts need no bound of their own: the stanza has one."""

Decoder = Callable[[Element], object]
"""Child element -> the part's value, or None when there is nothing of use in it."""


class Inbound(msgspec.Struct):
    """One message as it came.

    ``parts``: part name -> what the decoder made; a part registered as ``many`` is a list.
    ``faults``: what was wrong with it (a decoder that raised, a bound that was met), each a short text.
    ``n`` numbers the stanzas of one managed session; 0 for messages inside messages (carbons, archives).
    ``from_`` is never empty for a message that a session hands over: the server's silence means our own
    account (RFC 6120 section 8.1.2.1).
    """

    from_: str
    to: str
    type: str
    id: str
    lang: str
    parts: dict[str, object]
    xml: Element
    n: int = 0
    faults: list[str] = []


class Decoders:
    """The table ``{namespace}name`` -> decoder. Fill it before the first session starts."""

    def __init__(self) -> None:
        self._table: dict[str, tuple[str, Decoder, bool]] = {}
        self._also: dict[str, list[tuple[str, Decoder]]] = {}
        self._classic: set[str] = set()
        self.add(f"{{{CLIENT}}}body", "body", text)
        self.add(f"{{{CLIENT}}}subject", "subject", text)
        self.add(f"{{{CLIENT}}}thread", "thread", text)
        self.add(f"{{{CLIENT}}}error", "error", error)

    def add(self, tag: str, part: str, decoder: Decoder, *, many: bool = False) -> None:
        """``part`` of each message comes from its child ``tag``: the first one, or all when ``many``.

        Raises ``ValueError`` when another decoder has the tag already.
        """
        if tag in self._table:
            raise ValueError(f"two decoders for {tag}")
        self._table[tag] = (part, decoder, many)

    def also(self, tag: str, part: str, decoder: Decoder) -> None:
        """A further ``part`` from the children ``tag``, whoever has the tag: the first for which ``decoder`` finds
        something."""
        self._also.setdefault(tag, []).append((part, decoder))

    def remove(self, tag: str) -> None:
        """Forget the decoder of ``tag``."""
        self._table.pop(tag, None)

    def classic(self, tag: str) -> None:
        """Messages with the child ``tag`` also go slixmpp's usual way, for a plugin of slixmpp's."""
        self._classic.add(tag)

    def is_classic(self, message: Element) -> bool:
        """Whether a plugin of slixmpp's wants to see this message."""
        return bool(self._classic) and any(child.tag in self._classic for child in message)

    def decode(self, message: Element) -> Inbound:
        """Decode a ``{jabber:client}message``. Never raises: what goes wrong is named in ``faults``.

        Decoders of carbons and archives call it for the message inside; the parser bounds the depth.
        """
        get = message.attrib.get
        parts: dict[str, object] = {}
        faults: list[str] = []
        inbound = Inbound(
            get("from", ""),
            get("to", ""),
            get("type", "normal"),
            get("id", ""),
            get(XML_LANG, ""),
            parts,
            message,
            0,
            faults,
        )
        table, also = self._table, self._also
        left = MAX_CHILDREN
        for child in message:
            left -= 1
            if left < 0:
                faults.append(f"more than {MAX_CHILDREN} children")
                break
            tag = child.tag
            if also and tag in also:
                self._further(child, parts, faults)
            entry = table.get(tag)
            if entry is None:
                if tag == REFUSED:
                    faults.append(child.text or "refused")
                continue
            part, decoder, many = entry
            try:
                value = decoder(child)
            except Exception as problem:  # noqa: BLE001 -- strangers choose the input; the session logs the fault
                faults.append(f"{tag}: {type(problem).__name__}: {problem}"[:300])
                continue
            if value is None:
                continue
            if many:
                values = parts.setdefault(part, [])
                assert isinstance(values, list)
                values.append(value)
            elif part not in parts:
                parts[part] = value
        return inbound

    def _further(self, child: Element, parts: dict[str, object], faults: list[str]) -> None:
        for part, decoder in self._also[child.tag]:
            try:
                value = decoder(child)
            except Exception as problem:  # noqa: BLE001 -- as in ``decode``
                faults.append(f"{child.tag}: {type(problem).__name__}: {problem}"[:300])
                continue
            if value is not None:
                parts.setdefault(part, value)


def text(element: Element) -> str | None:
    """The decoder of elements that hold only text. An empty one is the empty text, as in a cleared topic."""
    return element.text or ""


def error(element: Element) -> StanzaError:
    """An ``<error/>`` (RFC 6120 section 8.3) as the exception that it would be for a request."""
    condition, words = "undefined-condition", ""
    for child in element:
        namespace, _, name = child.tag[1:].partition("}")
        if namespace == STANZAS:
            if name == "text":
                words = words or (child.text or "")[:1000]
            else:
                condition = name
    return StanzaError(condition, words, element.get("type", "cancel"))
