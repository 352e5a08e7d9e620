# SPDX-License-Identifier: AGPL-3.0-or-later
"""A TCP wire that can be cut."""

from __future__ import annotations

import asyncio
from typing import Self

from salut.model.owner import TaskOwner


class Cutter:
    """Forwards a port of its own to another one of 127.0.0.1 until it is cut; then nobody gets through."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._owner = TaskOwner(lambda _name, _error: None)  # a broken wire is what it is for
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()
        await self._owner.close()

    def cut(self) -> None:
        """Break what there is, let nothing new through."""
        self._cut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        """Let through again."""
        self._cut = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._owner.spawn(self._pump(reader, far_writer), "out")
        self._owner.spawn(self._pump(far_reader, writer), "in")

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.close()
