# SPDX-License-Identifier: AGPL-3.0-or-later
"""The in-process binding: windows inside the daemon's own process, over the same session and the same rules."""

from __future__ import annotations

from collections import deque

import structlog

from salut.bridge.bounds import Bounds
from salut.bridge.window import WindowSession
from salut.engine.dispatcher import Caller
from salut.engine.engine import Engine
from salut.model.errors import SalutError
from salut.model.words import _


class InProcess:
    """A connection without a socket, as the SDK's ``Transport``: one line in, one line out."""

    def __init__(self, engine: Engine, session: WindowSession, sessions: set[WindowSession]) -> None:
        self._engine = engine
        self._session = session
        self._sessions = sessions
        self._lines: deque[bytes] = deque()
        self._ended = False  # the good-bye was taken

    async def send(self, line: bytes) -> None:
        """One message of the bridge; waits while this window does not take its answers. ``ConnectionError``."""
        await self._session.room()
        if self._session not in self._sessions or self._session.goodbye:
            raise ConnectionError("closed")
        self._session.line(line)

    async def receive(self) -> bytes | None:
        """The next line, without its end; ``None`` when the connection has ended."""
        while not self._lines:
            data = b"" if self._ended else await self._session.next_bytes()
            if not data:
                return None
            self._ended = bool(self._session.goodbye)
            self._lines.extend(data.split(b"\n")[:-1])
        return self._lines.popleft()

    def close(self) -> None:
        """End it. May be called twice."""
        if self._session in self._sessions:
            self._sessions.discard(self._session)
            self._session.detach()
            self._engine.owner.spawn(self._session.close(), "close a window")


class InProcessBinding:
    """Opens connections; ``close`` ends them all, as the daemon's end does."""

    def __init__(
        self, engine: Engine, log: structlog.stdlib.BoundLogger, bounds: Bounds | None = None
    ) -> None:
        self._engine = engine
        self._log = log
        self._bounds = bounds
        self._sessions: set[WindowSession] = set()
        self._ended = False

    async def open(self, start: bool = False) -> InProcess:
        """A new connection: the ``opener`` of ``salut.client.aio.connect``. ``no-daemon`` after ``close``."""
        if self._ended:
            raise SalutError("no-daemon", _("The daemon has ended."))
        session = WindowSession(self._engine, "inprocess", Caller(), self._log, self._bounds)
        self._sessions.add(session)
        return InProcess(self._engine, session, self._sessions)

    async def close(self) -> None:
        """Say good-bye to all windows. They read it, if they still read."""
        self._ended = True
        for session in list(self._sessions):
            session.end("stopping", _("The daemon stops."))
            session.detach()
            await session.close()
        self._sessions.clear()
