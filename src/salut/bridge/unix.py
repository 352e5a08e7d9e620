# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Unix socket binding: one JSON message a line, the peer's user checked by the kernel."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from pathlib import Path

import structlog

from salut.api.wire import MAX_FRAME
from salut.bridge import rpc
from salut.bridge.bounds import Bounds
from salut.bridge.window import WindowSession
from salut.engine.dispatcher import Caller
from salut.engine.engine import Engine
from salut.model.errors import SalutError
from salut.model.owner import TaskOwner
from salut.model.words import _


class UnixBinding:
    """Listens on a socket in a folder that belongs to the person alone."""

    def __init__(
        self, engine: Engine, path: Path, log: structlog.stdlib.BoundLogger, bounds: Bounds | None = None
    ) -> None:
        self._bounds = bounds or Bounds()
        self._engine = engine
        self._path = path
        self._log = log
        self._owner = TaskOwner(lambda name, error: log.error("window failed", window=name, exc_info=error))
        self._sessions: set[WindowSession] = set()
        self._talks: set[asyncio.Task[object]] = set()
        self._server: asyncio.Server | None = None
        self._ended = False
        self._own_socket = True

    async def start(self, inherited: socket.socket | None = None) -> None:
        """Listen; on the socket that systemd hands over, if it does."""
        if inherited is not None:
            self._own_socket = False  # systemd goes on listening on it after our end
            self._server = await asyncio.start_unix_server(self._accept, sock=inherited, limit=MAX_FRAME)
        else:
            self._path.unlink(missing_ok=True)
            old = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(self._accept, path=self._path, limit=MAX_FRAME)
            finally:
                os.umask(old)

    async def close(self) -> None:
        """Say good-bye to all windows and end."""
        if self._server is None:
            return
        self._ended = True
        await self._listen_no_more(self._server)
        for session in self._sessions:
            session.end("stopping", _("The daemon stops."))
        if self._talks:
            await asyncio.wait(self._talks, timeout=2 * self._bounds.goodbye_seconds)
        await self._owner.close()
        if self._own_socket:
            self._path.unlink(missing_ok=True)

    async def _listen_no_more(self, server: asyncio.Server) -> None:
        """Close the listening socket when no accepted connection is half made.

        asyncio (3.11) makes a connection's transport in a task of its own, which fails and leaves the socket open
        if the server was closed meanwhile.
        """
        loop = asyncio.get_running_loop()
        for sock in server.sockets:
            loop.remove_reader(sock.fileno())
        for _step in range(3):  # the task, its transport, our ``_accept``
            await asyncio.sleep(0)
        server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._ended:  # it was in the socket's queue when we closed that
            writer.transport.abort()
            return
        talk = self._owner.spawn(self._talk(reader, writer), "window")
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        denied = self._refuse(writer)
        if denied is not None:
            writer.write(rpc.error_line(None, denied))
            await self._close(writer)
            return
        writer.transport.set_write_buffer_limits(high=self._bounds.write_buffer)
        if self._bounds.send_buffer:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._bounds.send_buffer)
        session = WindowSession(self._engine, "unix", Caller(), self._log, self._bounds)
        self._sessions.add(session)
        mine = TaskOwner(lambda name, error: self._log.error("window failed", doing=name, exc_info=error))
        try:
            reading = mine.spawn(self._read(reader, session), "read")
            writing = mine.spawn(self._write(writer, session), "write")
            ending = mine.spawn(session.ending.wait(), "ending")
            await asyncio.wait({reading, writing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if session.goodbye:  # a window that reads gets to know why; one that does not is not waited for
                await asyncio.wait({writing}, timeout=self._bounds.goodbye_seconds)
        finally:
            self._sessions.discard(session)
            await mine.close()
            await session.close()
            await self._close(writer)

    def _refuse(self, writer: asyncio.StreamWriter) -> SalutError | None:
        sock = writer.get_extra_info("socket")
        _pid, uid, _gid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != os.getuid():
            return SalutError("denied", _("This daemon belongs to another user."))
        if len(self._sessions) >= self._bounds.connections:
            return SalutError("busy", _("Too many windows are connected; close some."))
        return None

    async def _read(self, reader: asyncio.StreamReader, session: WindowSession) -> None:
        pings = 0
        first, then = self._bounds.ping_seconds, self._bounds.silent_seconds - self._bounds.ping_seconds
        while True:
            await session.room()
            try:
                async with asyncio.timeout(then if pings else first):
                    line = await reader.readline()
            except TimeoutError:
                if pings:
                    return
                pings += 1
                session.feed.answer(rpc.ping_line(pings))
                session.wake()
                continue
            except ConnectionError:
                return
            except ValueError:
                session.end("protocol", _("A line was longer than {} bytes.").format(MAX_FRAME))
                return
            if not line.endswith(b"\n"):
                return
            pings = 0
            if line.strip():
                session.line(line)

    async def _write(self, writer: asyncio.StreamWriter, session: WindowSession) -> None:
        while True:
            data = await session.next_bytes()
            writer.write(data)
            try:
                async with asyncio.timeout(self._bounds.slow_seconds):
                    await writer.drain()
            except (ConnectionError, TimeoutError):
                return
            if session.goodbye:
                writer.write(session.feed.take())
                return

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, OSError):
            if writer.transport.get_write_buffer_size() > self._bounds.write_buffer:
                writer.transport.abort()
            writer.close()
            async with asyncio.timeout(self._bounds.goodbye_seconds):
                await writer.wait_closed()
        with contextlib.suppress(
            AttributeError
        ):  # asyncio (3.11): a transport that ended flushing has no loop left
            writer.transport.abort()  # what a window that does not read left behind
