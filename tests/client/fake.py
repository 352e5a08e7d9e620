# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small daemon for tests of the SDK: it speaks docs/reference/protocol.md and keeps journals in memory.

What it does wrong, it does on purpose and when told (cut before an answer, repeat a change, stay silent).
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from salut.model.owner import TaskOwner

Json = dict[str, Any]
HELLO: Json = {
    "server": "salut",
    "version": "0.1.0",
    "protocol": [1, 0],
    "instance": "i1",
    "capabilities": {"frame": {"max": 1048576}},
    "auth": ["peer"],
}


class Journal:
    """Changes and the state they lead to."""

    def __init__(self, epoch: str = "e1") -> None:
        self.epoch = epoch
        self.changes: list[Json] = []
        self.oldest = 0  # changes up to this seq are compacted away
        self.state: dict[str, dict[str, tuple[int, Any]]] = {}

    @property
    def seq(self) -> int:
        return len(self.changes)

    def commit(self, name: str, key: str, value: Any) -> Json:
        change: Json = {"seq": self.seq + 1, "name": name, "key": key, "at": 1_000 + self.seq}
        if value is None:
            self.state.get(name, {}).pop(key, None)
            if not self.state.get(name):
                self.state.pop(name, None)
        else:
            change["value"] = value
            self.state.setdefault(name, {})[key] = (change["seq"], value)
        self.changes.append(change)
        return change

    def start(self, name: str, resume: list[Any] | None, want: str) -> tuple[Json, list[Json]]:
        """A ``Start`` for a window, and the changes that follow it."""
        reset = ""
        if resume is not None:
            epoch, seq = resume
            fits = self.oldest <= seq <= self.seq
            reset = "epoch" if epoch != self.epoch else "" if fits else "compacted"
            if not reset:
                told = {"journal": name, "position": resume, "resumed": True, "reset": "", "items": []}
                return told, self.changes[seq:]
        if want == "changes":
            start = self.oldest if resume is not None else self.seq
            told = {"journal": name, "position": [self.epoch, start], "resumed": False, "reset": reset}
            return told, self.changes[start:]
        items = [
            {"name": kind, "key": key, "rev": rev, "value": value}
            for kind, objects in self.state.items()
            for key, (rev, value) in objects.items()
        ]
        position = [self.epoch, self.seq]
        return {"journal": name, "position": position, "resumed": False, "reset": reset, "items": items}, []


class Peer:
    """One connection of a window."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.attached = False

    def send(self, message: Json) -> None:
        self.writer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def notify(self, method: str, params: Json) -> None:
        self.send({"method": method, "params": params})


class FakeDaemon:
    """Listens on ``path``; ``methods`` answer calls; everything received is in ``received``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hello: Json | None = dict(HELLO)
        self.journals: dict[str, Journal] = {"": Journal(), "alice": Journal()}
        self.passing: list[Json] = []
        self.methods: dict[str, Callable[[Json], tuple[Any, dict[str, int]]]] = {}
        self.received: list[Json] = []
        self.peers: list[Peer] = []
        self.ops: dict[str, tuple[Any, dict[str, int]]] = {}
        self.done: dict[str, int] = {}  # how often each method was really done
        self.cuts_before_answer = 0
        self.silent = False
        self.answers_pings = True
        self.starts_to_spoil = 0
        self.news = asyncio.Event()
        self._listener: socket.socket | None = None
        self._owner = TaskOwner(self._failed)
        self._accepted: set[socket.socket] = set()  # not served yet

    async def start(self) -> None:
        """Listen. By hand: asyncio's server of Python 3.11 leaks a connection that comes while it closes."""
        self.path.unlink(missing_ok=True)
        listener = self._listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen(50)
        listener.setblocking(False)
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.setblocking(False)
        self._accepted.add(connection)
        self._owner.spawn(self._connected(connection), "fake peer")

    async def _connected(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        self._accepted.discard(connection)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection)
        await self._serve(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    def _failed(self, name: str, error: BaseException) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": name, "exception": error})

    async def stop(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        self.path.unlink(missing_ok=True)
        self.cut()
        await self.until(lambda: not self.peers)
        await self._owner.close()
        while self._accepted:
            self._accepted.pop().close()

    def cut(self) -> None:
        for peer in self.peers:
            peer.writer.close()

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait until something is so; it is looked at after each event here."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.news.clear()
                await self.news.wait()

    def commit(self, journal: str, name: str, key: str, value: Any) -> int:
        change = self.journals[journal].commit(name, key, value)
        for peer in self.peers:
            if peer.attached:
                peer.notify("changes", {"journal": journal, "live": True, "changes": [change]})
        return int(change["seq"])

    def tell(self, method: str, params: Json) -> None:
        for peer in self.peers:
            peer.notify(method, params)

    def count(self, method: str) -> int:
        return sum(1 for message in self.received if message.get("method") == method)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._listener is None:  # it came in while we stopped
            writer.close()
            return
        peer = Peer(reader, writer)
        self.peers.append(peer)
        self.news.set()
        try:
            if self.hello is not None:
                peer.notify("hello", self.hello)
            while line := await reader.readline():
                self._take(peer, json.loads(line))
                self.news.set()
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self.peers.remove(peer)
            writer.close()
            self.news.set()

    def _take(self, peer: Peer, message: Json) -> None:
        self.received.append(message)
        method = message.get("method")
        if method is None or self.silent:
            return
        if method == "ping":
            if self.answers_pings:
                peer.send({"id": message["id"], "result": {}})
        elif method == "attach":
            self._attach(peer, message)
        elif method == "focus":
            peer.send({"id": message["id"], "result": {}})
        else:
            self._call(peer, message)

    def _attach(self, peer: Peer, message: Json) -> None:
        params = message["params"]
        starts, follow = [], []
        for name, journal in self.journals.items():
            resume = params["resume"].get(name)
            if self.starts_to_spoil and resume is not None:
                self.starts_to_spoil -= 1
                resume = [resume[0], resume[1] - 1]
            told, changes = journal.start(name, resume, params["want"])
            starts.append(told)
            follow += [{"journal": name, "live": False, "changes": [change]} for change in changes]
        result = {"window": "w7", "journals": starts, "passing": self.passing}
        peer.send({"id": message["id"], "result": result})
        peer.attached = True
        for told in follow:
            peer.notify("changes", told)

    def _call(self, peer: Peer, message: Json) -> None:
        method, params = message["method"], message.get("params", {})
        op = params.get("op", "")
        if method not in self.methods:
            error = {"code": -32601, "message": f"No method {method}", "data": {"code": "unknown-method"}}
            peer.send({"id": message["id"], "error": error})
            return
        if op not in self.ops or not op:
            self.done[method] = self.done.get(method, 0) + 1
            self.ops[op] = self.methods[method](params)
        value, seq = self.ops[op]
        if self.cuts_before_answer:
            self.cuts_before_answer -= 1
            peer.writer.close()
            return
        peer.send({"id": message["id"], "result": {"value": value, "seq": seq}})
