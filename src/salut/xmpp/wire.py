# SPDX-License-Identifier: AGPL-3.0-or-later
"""One connection as an asyncio protocol: bytes in, elements out; texts in, one write a loop turn out.

It has two faces. While a stream is being negotiated, ``restart`` and ``next`` give elements one by one.
After ``go_live`` each element goes to the sink in the turn in which it came.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast
from xml.etree.ElementTree import Element

from salut.xmpp.errors import Failure, LinkFailureError, fail
from salut.xmpp.parser import MAX_STANZA, STREAMS, StreamParser
from salut.xmpp.xmltext import escape

FOOTER: Final = "</stream:stream>"
FEATURES: Final = f"{{{STREAMS}}}features"
STREAM_ERROR: Final = f"{{{STREAMS}}}error"
STREAM_CONDITIONS: Final = "urn:ietf:params:xml:ns:xmpp-streams"
FATAL_STREAM_ERRORS: Final = frozenset(
    {"conflict", "host-gone", "host-unknown", "improper-addressing", "not-authorized", "unsupported-version"}
)
MOST_QUEUED = 100


class Wire(asyncio.Protocol):
    """A stream over TCP or TLS. Ends once, with one ``Failure``."""

    def __init__(self, max_stanza: int = MAX_STANZA) -> None:
        self._max_stanza = max_stanza
        self._loop = asyncio.get_running_loop()
        self._parser = StreamParser(max_stanza)
        self._transport: asyncio.Transport | None = None
        self._queue: deque[Element] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._out: list[str] = []
        self._sink: Callable[[Element], None] | None = None
        self._on_end: Callable[[Failure], None] | None = None
        self.before_flush: Callable[[], str] = str
        """Text that each burst ends with."""
        self._heard: Callable[[], None] = lambda: None
        self._deaf = False
        self.ended: Failure | None = None

    # ---- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard()
        if self.ended is not None or self._deaf:
            return
        parser = self._parser
        try:
            elements = parser.feed(data)
        except LinkFailureError as error:
            self._violated(error.failure)
            return
        for element in elements:
            if not self._take(element, parser):
                return
        if parser.closed:
            self.end(Failure("closed", "the server closed the stream"))
        else:
            self._wake()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._gone.done():
            self._gone.set_result(None)
        words = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
        broke = "the server closed the connection" if exc is None else f"the connection broke: {words}"
        self.end(Failure("connection-lost", broke))

    # ---- negotiation

    async def restart(self, domain: str) -> Element:
        """Open a (new) stream; returns the server's features."""
        self._parser = StreamParser(self._max_stanza)
        self._queue.clear()
        self.write(
            f"<?xml version='1.0'?><stream:stream to='{escape(domain)}' version='1.0' xml:lang='en' "
            f"xmlns='jabber:client' xmlns:stream='{STREAMS}'>"
        )
        features = await self.next()
        if features.tag != FEATURES:
            raise fail("not-xmpp", f"the server began with {features.tag} in place of its features")
        return features

    async def next(self) -> Element:
        """The next element. Raises ``LinkFailureError`` when the stream ends instead."""
        while not self._queue:
            if self.ended is not None:
                raise LinkFailureError(self.ended)
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.popleft()

    @property
    def greeted(self) -> bool:
        """Whether the other side opened a stream, i.e. speaks XMPP at all."""
        return self._parser.header is not None

    @property
    def transport(self) -> asyncio.Transport:
        """The transport; raises ``LinkFailureError`` when it is gone."""
        if self._transport is None:
            raise LinkFailureError(self.ended or Failure("connection-lost", "the connection is gone"))
        return self._transport

    @transport.setter
    def transport(self, transport: asyncio.Transport) -> None:
        """TLS took the place of TCP: nothing that came before it is believed."""
        self._transport = transport
        self._queue.clear()
        self._parser = StreamParser(self._max_stanza)

    def go_live(
        self,
        sink: Callable[[Element], None],
        on_end: Callable[[Failure], None],
        heard: Callable[[], None],
    ) -> None:
        """From now on ``sink`` gets each element, ``on_end`` the reason of the end (but for our own end)."""
        self._sink, self._on_end, self._heard = sink, on_end, heard
        while self._queue and self.ended is None:
            sink(self._queue.popleft())
        if self.ended is not None:
            self._loop.call_soon(on_end, self.ended)

    # ---- writing and ending

    def write(self, text: str) -> None:
        """Send ``text`` at the end of this loop turn."""
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(text)

    def flush(self) -> None:
        """Send at once what waits."""
        if not self._out:
            return
        out, self._out = self._out, []
        if self._transport is not None and self.ended is None:
            out.append(self.before_flush())
            self._transport.write("".join(out).encode())

    @property
    def buffered(self) -> int:
        """Bytes that the network has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def pause(self, paused: bool) -> None:
        """Read no more (or again): the server keeps what we cannot store."""
        if self._transport is None or self._transport.is_closing():
            return
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def end(self, failure: Failure) -> None:
        """The stream is over. Only the first reason counts."""
        if self.ended is not None:
            return
        self.ended = failure
        if self._transport is not None and not self._deaf:
            self._transport.abort()
        self._wake()
        if self._on_end is not None:
            self._on_end(failure)

    def abort(self) -> None:
        """Drop the connection now and tell nobody."""
        self._on_end = None
        self.end(Failure("aborted", "given up"))
        if self._transport is not None:
            self._transport.abort()

    async def close(self, seconds: float = 2.0) -> None:
        """Close the stream by the book: our end tag, then wait (bounded) for the server to hang up."""
        self._on_end, self._sink = None, None
        self.write(FOOTER)
        self.flush()
        self._deaf = True
        if self._transport is not None:
            self.pause(paused=False)
            self._transport.write_eof() if self._transport.can_write_eof() else None
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._gone)
        except TimeoutError:
            pass
        finally:
            self.abort()

    # ---- inside

    def _take(self, element: Element, parser: StreamParser) -> bool:
        """False: what comes behind it belongs to a stream that ended or began anew, and is not believed."""
        if element.tag == STREAM_ERROR:
            self.end(stream_failure(element))
        elif self._sink is not None:
            self._sink(element)
        elif len(self._queue) >= MOST_QUEUED:
            self.end(Failure("policy-violation", "the server talks too much before the session stands"))
        else:
            self._queue.append(element)
        return self.ended is None and parser is self._parser

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done() and (self._queue or self.ended is not None):
            self._waiter.set_result(None)

    def _violated(self, failure: Failure) -> None:
        if self.greeted:
            condition = (
                failure.code if failure.code in ("restricted-xml", "not-well-formed") else "policy-violation"
            )
            self.write(f"<stream:error><{condition} xmlns='{STREAM_CONDITIONS}'/></stream:error>{FOOTER}")
            self.flush()
        elif failure.code == "not-well-formed":
            failure = Failure("not-xmpp", "this is no XMPP server: it does not speak XML")
        self.end(failure)


def stream_failure(element: Element) -> Failure:
    """A stream error (RFC 6120 section 4.9) as the reason of the end."""
    condition, words, redirect = "undefined-condition", "", ""
    for child in element:
        namespace, _, name = child.tag[1:].partition("}")
        if namespace == STREAM_CONDITIONS and name == "text":
            words = (child.text or "")[:500]
        elif namespace == STREAM_CONDITIONS:
            condition = name
            redirect = (child.text or "").strip()[:300] if name == "see-other-host" else ""
    known = {
        "conflict": "another client took this session's place",
        "host-unknown": "the server does not know this domain",
        "host-gone": "the server no longer serves this domain",
        "system-shutdown": "the server is shutting down",
        "see-other-host": f"the server sends us to {redirect}",
    }
    reason = known.get(condition, f"the server ended the stream: {condition}")
    return Failure(
        condition, f"{reason} ({words})" if words else reason, condition in FATAL_STREAM_ERRORS, redirect
    )
