# SPDX-License-Identifier: AGPL-3.0-or-later
"""What carries lines between a window and the daemon, and the Unix socket as one such carrier."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from salut.bridge import paths
from salut.client import lines, troubles

CHUNK: Final = 1 << 16


class Transport(Protocol):
    """One connection. ``line`` is one JSON object in UTF-8, without the line's end."""

    async def send(self, line: bytes) -> None:
        """Hand a line over; waits while the other side does not read. ``OSError`` when it is gone."""

    async def receive(self) -> bytes | None:
        """The next line, ``None`` at the end of the connection. ``OSError`` when it broke."""

    def close(self) -> None:
        """End the connection; may be called twice."""


Opener = Callable[[bool], Awaitable[Transport]]
"""Opens a connection; its argument says whether a daemon that does not run shall be started."""


class UnixTransport:
    """A line-wise carrier on a connected stream socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ready: list[bytes] = []  # whole lines, the next one last
        self._parts: list[bytes] = []  # of a line that is not whole yet
        self._size = 0

    async def send(self, line: bytes) -> None:
        """See ``Transport``."""
        self._writer.write(line + b"\n")
        await self._writer.drain()

    async def receive(self) -> bytes | None:
        """See ``Transport``. ``SalutError('too-large')`` for a line past 64 MiB."""
        while not self._ready:
            data = await self._reader.read(CHUNK)
            if not data:
                return None  # an unfinished line at the end was never sent whole
            self._take(data)
        return self._ready.pop()

    def _take(self, data: bytes) -> None:
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = b"".join((*self._parts, whole[0]))
            self._parts.clear()
            self._size = 0
        self._parts.append(rest)
        self._size += len(rest)
        if self._size > lines.MAX_ANSWER:
            raise troubles.too_large(self._size, lines.MAX_ANSWER)
        self._ready = whole[::-1]

    def close(self) -> None:
        """See ``Transport``."""
        self._writer.close()


def unix_opener(path: str = "", command: Sequence[str] | None = None) -> Opener:
    """Opens the daemon's socket at ``path`` (default: the protocol's rule).

    ``command`` is what to start instead of ``python -m salut.daemon``. Raises ``SalutError``:
    ``no-daemon`` with the reason, ``denied`` where the socket's folder is not safe.
    """

    async def open_unix(start: bool) -> Transport:
        where = path or paths.socket_path()
        connecting = asyncio.get_running_loop().run_in_executor(None, _connect, where, start, command)
        try:
            sock = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_discard)  # a thread cannot be stopped; what it opens is closed
            raise
        try:
            reader, writer = await asyncio.open_unix_connection(sock=sock, limit=CHUNK)
        except BaseException:
            sock.close()
            raise
        return UnixTransport(reader, writer)

    return open_unix


def _discard(connecting: asyncio.Future[socket.socket]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()


def _connect(where: str, start: bool, command: Sequence[str] | None) -> socket.socket:
    from salut.client import wire

    raw = wire.open_or_start(where, start=start, timeout=5.0, command=command)
    sock = socket.socket(fileno=raw.detach())
    sock.setblocking(False)
    return sock
