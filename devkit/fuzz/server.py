# SPDX-License-Identifier: AGPL-3.0-or-later
"""The server from which the hostile stanzas come: it keeps count of what the daemon owes it."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from random import Random
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from devkit.fakesession import DEFAULT_FEATURES, ClientError, FakeAccount, FakeSession
from devkit.fuzz import corpus
from devkit.fuzz.stanzas import Case, filled
from devkit.fuzz.values import CONTACTS
from salut.xmpp.xmltext import serialise

PASSWORD = "secret"  # of a throw-away account
_PLAIN = ("bind", "ping", "roster", "disco#info", "disco#items", "carbons", "session", "blocklist")
ACK = b"<r xmlns='urn:xmpp:sm:3'/>"
ACCOUNT = FakeAccount(
    "user", "localhost", PASSWORD, (*DEFAULT_FEATURES, "urn:xmpp:blocking", "urn:xmpp:mam:2"), CONTACTS
)


class HostileSession(FakeSession):
    """Counts the answers, and where ``odd`` answers questions with nonsense."""

    def __init__(self) -> None:
        super().__init__(ACCOUNT)
        self.settled = 0
        self.odd: Random | None = None
        self.answering = 0

    def _element(self, element: Element) -> str:
        name = element.tag.rpartition("}")[2]
        if name == "iq" and element.get("type") in ("result", "error"):
            self.settled += 1
        return super()._element(element)

    def _iq(self, iq: Element) -> str:
        payload = iq[0].tag if len(iq) else ""
        if (
            self.odd is None
            or iq.get("type") not in ("get", "set")
            or any(word in payload for word in _PLAIN)
        ):
            return super()._iq(iq)
        self.answering += 1
        random = self.odd
        inner = "".join(
            serialise(filled(random, random.choice(corpus.REQUEST + corpus.MESSAGE), self.answering))
            for _ in range(random.choice((0, 1, 1, 2)))
        )
        kind = random.choice(("result", "result", "error"))
        sender = f" from={quoteattr(iq.get('to', ''))}" if iq.get("to") else ""
        return f"<iq type='{kind}' id={quoteattr(iq.get('id', ''))}{sender} to={quoteattr(self.full_jid)}>{inner}</iq>"


class HostileServer:
    """Listens with direct TLS; one client at a time counts, the newest."""

    def __init__(self) -> None:
        self.session: HostileSession | None = None
        self.odd: Random | None = None
        self.connections = 0
        self.port = 0
        self._goal = 0
        self._writer: asyncio.StreamWriter | None = None
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self, certificate: Path) -> None:
        """Listen on a free port of the loopback."""
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Let all go."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._server is not None:
            self._server.close()
        if self._serving:
            await asyncio.wait(self._serving, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        session = HostileSession()
        session.odd = self.odd
        self.connections += 1
        try:
            while data := await reader.read(65536):
                writer.write(session.receive(data))
                if session.online and session is not self.session:
                    self.session, self._writer = session, writer
                self._news.set()
        except (ClientError, ConnectionError):
            pass  # the end of a stream, by the book or not
        finally:
            if self.session is session:
                self.session = self._writer = None
            self._news.set()
            writer.close()

    async def until(self, what: str, seconds: float = 60.0) -> bool:
        """Wait until the daemon is ``online``, ``gone``, or has ``acked`` all that was sent."""
        try:
            async with asyncio.timeout(seconds):
                while not self._is(what):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _is(self, what: str) -> bool:
        session = self.session
        if what == "gone":
            return session is None
        if session is None:
            return what == "acked"  # nothing more can come: the caller looks whether that was to be
        return session.online if what == "online" else session.acked >= self._goal

    async def storm(self, cases: list[Case]) -> bool:
        """Send all and wait until the daemon has dealt with each (it acknowledges them). False: it did not."""
        session, writer = self.session, self._writer
        if session is None or writer is None:
            return False
        session.sent += sum(case.stanzas for case in cases)
        self._goal = (
            session.sent
        )  # what the daemon asks meanwhile is answered without asking for acknowledgement
        writer.write(b"".join(case.xml for case in cases) + ACK)
        try:
            await writer.drain()
        except ConnectionError:
            return False
        if not await self.until("acked", 20.0):
            return False
        owed = sum(case.requests for case in cases)
        return self.session is session and await self._answers(session, owed)

    async def _answers(self, session: HostileSession, owed: int) -> bool:
        try:
            async with asyncio.timeout(10):
                while session.settled < owed:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        exact, session.settled = session.settled == owed, 0
        return exact

    def write(self, data: bytes) -> None:
        """Raw bytes to the client."""
        if self._writer is not None:
            self._writer.write(data)
