# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bytes of an XMPP stream -> its top-level elements, with bounds that hold while parsing.

expat is driven directly: it tells the byte at which a stanza ends (so the size limit is exact), lets us
refuse a document type before it does harm (RFC 6120 section 11.1), and costs about what the standard
library's pull parser costs.

A stanza over a bound is not built: it arrives as its opening tag with one child ``REFUSED`` that says why.
Ending the stream instead would be a gift to whoever sent it: the server would deliver it again and again.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from salut.xmpp.errors import fail

STREAMS: Final = "http://etherx.jabber.org/streams"
REFUSED: Final = "{urn:salut:local}refused"

MAX_STANZA = 256 * 1024
"""Bytes of one message or presence on the wire, up to its end tag."""
IQ_FACTOR = 10
"""An iq may be this much larger: rosters and archives are answers that we asked for."""
ABORT_FACTOR = 16
"""Past this many times its limit a stanza ends the stream: the server lost its mind."""
SLACK = 4096
"""Bytes that may come between two looks at what is unfinished."""
MAX_DEPTH = 100
MAX_ELEMENTS = 10_000
"""Elements in one message or presence."""
CACHED_NAMES = 5_000
MAX_NAMES = 100_000
"""Different element names in one stream: strangers choose them, and expat forgets none while it lasts."""


class StreamParser:
    """Feed it bytes; it returns the top-level elements that became complete.

    ``header`` holds the attributes of the stream's opening tag once it came; ``closed`` is True after its
    end tag. Violations raise ``LinkFailureError``; the parser is of no use afterwards.
    """

    def __init__(self, max_stanza: int = MAX_STANZA) -> None:
        self.header: dict[str, str] | None = None
        self.closed = False
        self._max_stanza = max_stanza
        self._limit = max_stanza
        self._names: dict[str, str] = {}
        self._interned: dict[str, str] = {}
        self._ready: list[Element] = []
        self._depth = 0
        self._elements = 0
        self._max_elements = MAX_ELEMENTS
        self._seen = 0
        self._fed = 0
        self._began = 0
        self._checked = 0
        self._top: tuple[str, dict[str, str]] = ("", {})
        self._refused = ""
        self._builder = TreeBuilder()
        self._open_tag, self._close_tag = self._builder.start, self._builder.end
        # Streams are UTF-8, whatever they declare (RFC 6120 section 11.6): another codec's faults are not expat's.
        self._parser = parser = expat.ParserCreate("utf-8", namespace_separator="}", intern=self._interned)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._forbidden
        parser.CommentHandler = self._forbidden
        parser.ProcessingInstructionHandler = self._forbidden
        # expat 2.6 may hold back a finished token until more bytes come; a stream may then wait for ever.
        if (defer := getattr(parser, "SetReparseDeferralEnabled", None)) is not None:
            defer(False)

    def feed(self, data: bytes) -> list[Element]:
        """Parse ``data``. The list returned belongs to the caller."""
        self._fed += len(data)
        try:
            self._parser.Parse(data, False)
        except expat.ExpatError as error:
            raise fail("not-well-formed", f"the server sent bad XML: {error}") from None
        if self._fed - self._checked > SLACK:
            self._check_size()
        ready, self._ready = self._ready, []
        return ready

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = self._names.get(tag)
        if name is None:
            name = self._name(tag)
        depth = self._depth
        self._depth = depth + 1
        if self._refused:
            return
        if attributes:
            for key in attributes:
                if "}" in key:
                    attributes = {("{" + k if "}" in k else k): v for k, v in attributes.items()}
                    break
        if depth <= 1:
            if depth == 0:
                self._open(name, attributes)
                return
            self._begin(name, attributes)
        self._elements = elements = self._elements + 1
        if depth > MAX_DEPTH or elements > self._max_elements:
            self._refuse(f"more than {MAX_DEPTH} levels or {self._max_elements} elements")
            return
        self._open_tag(name, attributes)

    def _end(self, tag: str) -> None:
        self._depth = depth = self._depth - 1
        if depth == 0:
            self.closed = True
            return
        if not self._refused:
            self._close_tag(tag)
        if depth == 1:
            self._finish()

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        iq = name.endswith("}iq")
        self._limit = self._max_stanza * IQ_FACTOR if iq else self._max_stanza
        self._max_elements = MAX_ELEMENTS * IQ_FACTOR if iq else MAX_ELEMENTS
        self._elements = 0
        self._top = (name, attributes)
        self._began = self._parser.CurrentByteIndex
        self._builder = builder = TreeBuilder()
        self._open_tag, self._close_tag = builder.start, builder.end
        self._parser.CharacterDataHandler = builder.data

    def _finish(self) -> None:
        if self._parser.CurrentByteIndex - self._began > self._limit and not self._refused:
            self._refuse(f"larger than {self._limit} bytes")
        self._parser.CharacterDataHandler = None
        if self._refused:
            element = Element(*self._top)
            refused = Element(REFUSED)
            refused.text = self._refused
            element.append(refused)
            self._refused = ""
        else:
            element = self._builder.close()
        self._ready.append(element)

    def _check_size(self) -> None:
        """Between two tags too, memory is bounded: by the stanza's size, or by that of an unfinished tag."""
        self._checked = self._fed
        if self._depth <= 1:
            if self._fed - self._parser.CurrentByteIndex > max(self._max_stanza, SLACK):
                raise fail("policy-violation", "the server sends endless text between stanzas")
            return
        size = self._fed - self._began
        if size > self._limit * ABORT_FACTOR:
            raise fail("policy-violation", f"a stanza is larger than {self._limit * ABORT_FACTOR} bytes")
        if size > self._limit and not self._refused:
            self._refuse(f"larger than {self._limit} bytes")

    def _refuse(self, why: str) -> None:
        self._refused = why
        self._builder = TreeBuilder()
        self._parser.CharacterDataHandler = None

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        if name != f"{{{STREAMS}}}stream":
            raise fail("not-xmpp", "this is no XMPP server: it did not open a stream")
        self.header = attributes

    def _name(self, tag: str) -> str:
        self._seen += 1
        if self._seen > MAX_NAMES:
            raise fail("policy-violation", f"more than {MAX_NAMES} different element names in one stream")
        if len(self._names) > CACHED_NAMES:
            self._names.clear()
            self._interned.clear()
        self._names[tag] = name = "{" + tag if "}" in tag else tag
        return name

    def _forbidden(self, *_: object) -> None:
        raise fail("restricted-xml", "the server sent XML that XMPP forbids")
