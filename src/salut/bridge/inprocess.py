# SPDX-License-Identifier: AGPL-3.0-or-later
"""The in-process binding: a window inside the daemon's own process, over the same session and the same rules."""

from __future__ import annotations

import structlog

from salut.bridge.window import WindowSession
from salut.engine.dispatcher import Caller
from salut.engine.engine import Engine


class InProcess:
    """A connection without a socket, for the SDK: ``send`` a line, ``receive`` what comes, ``close``."""

    def __init__(self, engine: Engine, log: structlog.stdlib.BoundLogger) -> None:
        self._session = WindowSession(engine, "inprocess", Caller(), log)
        self._closed = False

    async def send(self, line: bytes) -> None:
        """One message of the bridge."""
        if self._closed:
            raise ConnectionError("closed")
        await self._session.room()
        self._session.line(line)

    async def receive(self) -> bytes | None:
        """One or more lines; ``None`` when the connection has ended."""
        if self._closed or self._session.goodbye == "said":
            return None
        data = await self._session.next_bytes()
        if self._session.goodbye:
            self._session.goodbye = "said"
        return data

    async def close(self) -> None:
        """End it."""
        if not self._closed:
            self._closed = True
            await self._session.close()
