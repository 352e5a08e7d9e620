# SPDX-License-Identifier: AGPL-3.0-or-later
"""One window of a run: a real SDK client with its replica, on a carrier that can be cut inside a frame."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

from salut.api.wire import Item, Position, Start
from salut.client import aio
from salut.client.replica import Event, Reset
from salut.client.timeline import Load, Timeline
from salut.client.transport import Transport, UnixTransport
from salut.model.errors import SalutError
from salut.model.owner import TaskOwner
from tests.convergence.world import World

Checkpoint = tuple[dict[str, Position], Any]


class CutTransport(UnixTransport):
    """A socket that can break after some bytes, in either direction."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.cut_in: int | None = None  # bytes that are still read
        self.cut_out: int | None = None  # bytes of the next line that are still written

    async def send(self, line: bytes) -> None:
        if self.cut_out is not None:
            self._writer.write(line[: self.cut_out])
            self._writer.close()
            raise ConnectionResetError("cut")
        await super().send(line)

    def _take(self, data: bytes) -> None:
        if self.cut_in is None:
            super()._take(data)
            return
        super()._take(data[: self.cut_in])
        self.cut_in = max(0, self.cut_in - len(data))
        if self.cut_in == 0:
            self._writer.transport.abort()


@dataclass
class Opened:
    """A timeline that this window shows."""

    line: Timeline
    end: Any


class Driver:
    """A window that comes, goes, stalls and comes back."""

    def __init__(self, number: int, world: World, random: Random, resets: Counter[str]) -> None:
        self.number = number
        self.name = f"window{number}"
        self.world = world
        self.random = random
        self.resets = resets
        self.binding = "inprocess" if number % 2 else "unix"
        self.profiles: list[str] | None = None
        self.conversations = 200
        self.client: aio.Client | None = None
        self.faults: list[str] = []
        self.checkpoint: Checkpoint | None = None
        self.opened: list[Opened] = []
        self.calls = TaskOwner(self._failed)
        self._transport: Transport | None = None

    def _failed(self, name: str, error: BaseException) -> None:
        self.faults.append(f"{self.name}: {name}: {error!r}")

    async def _open(self, start: bool) -> Transport:
        if not self.world.running:
            raise SalutError("no-daemon", "restarting")
        if self.binding == "inprocess":
            self._transport = await self.world.inside.open()
        else:
            reader, writer = await asyncio.open_unix_connection(str(self.world.socket), limit=1 << 14)
            self._transport = CutTransport(reader, writer)
        return self._transport

    # Coming and going
    async def come(self, checkpoint: Checkpoint | None = None) -> None:
        """A new window process; with a checkpoint it knows what an older one knew."""
        await self.leave()
        client = await aio.connect(
            "inprocess:", self._open, start=False, call_seconds=20.0, ping_seconds=20.0
        )
        client.replica.subscribe(self._event)
        if checkpoint is not None:
            positions, state = checkpoint
            for journal, position in positions.items():
                if self.profiles is None or journal in ("", *self.profiles):
                    items = [
                        Item(kind, key, rev, value)
                        for kind, objects in state.get(journal, {}).items()
                        for key, (rev, value) in objects.items()
                    ]
                    client.replica.start(
                        Start(journal=journal, position=position, resumed=False, items=items)
                    )
        try:
            await client.attach(
                self.name, profiles=self.profiles, conversations=self.conversations, topics=["member:"]
            )
        except BaseException:
            await client.close()
            raise
        self.client = client

    async def leave(self) -> None:
        """The window is closed."""
        for opened in self.opened:
            opened.end()
        self.opened.clear()
        if self.client is not None:
            client, self.client = self.client, None
            await client.close()

    @property
    def alive(self) -> bool:
        """Whether its client still keeps a connection."""
        return self.client is not None and self.client.link.state != "closed"

    def remember(self) -> None:
        """Keep what the window knows now, to come back with it later."""
        if self.client is not None and self.client.replica.position():
            self.checkpoint = (self.client.replica.position(), self.client.replica.state)

    def cut(self, inside_frame: bool) -> None:
        """Break the connection."""
        if self.client is None:
            return
        if inside_frame and isinstance(self._transport, CutTransport):
            if self.random.random() < 0.5:
                self._transport.cut_in = self.random.randrange(1, 400)
            else:
                self._transport.cut_out = self.random.randrange(1, 40)
        else:
            self.client.reconnect()

    def mend(self) -> None:
        """No cut is under way, and the window reads."""
        if isinstance(self._transport, CutTransport):
            self._transport.cut_in = self._transport.cut_out = None
        if self.client is not None:
            self.client.release()

    def _event(self, event: Event) -> None:
        if isinstance(event, Reset):
            self.resets[event.reason] += 1
        if event.journal and self.profiles is not None and event.journal not in self.profiles:
            self.faults.append(f"{self.name} sees {self.profiles} and was told of {event.journal}")

    # Doing
    def call(self, method: str, **params: Any) -> None:
        """Call, and do not wait: the answer is looked at when it comes."""
        if self.client is not None and len(self.calls) < 20:
            view = self.profiles if self.client.window else None  # its limits hold from its attach on
            self.calls.spawn(self._call(self.client, view, method, params), method)

    async def _call(
        self, client: aio.Client, view: list[str] | None, method: str, params: dict[str, Any]
    ) -> None:
        try:
            answer = await client.request(method, params, repeatable="op" in params)
        except SalutError as error:
            if error.code in ("internal", "parse", "invalid-request", "unknown-method", "timeout", "storage"):
                self.faults.append(f"{self.name}: {method} {params}: {error.code} {error.message}")
            return
        self._looked(view, method, answer)

    def _looked(self, view: list[str] | None, method: str, answer: dict[str, Any]) -> None:
        if view is None:
            return
        if method == "profiles.list":
            told = {profile["name"] for profile in answer["value"]}
        elif method == "history.search":
            told = {found["profile"] for found in answer["value"]["items"]}
        else:
            return
        if not told <= set(view):
            self.faults.append(f"{self.name} sees {view}; {method} told of {told}")

    def open_timeline(self, profile: str, conversation: str) -> None:
        """Show a conversation."""
        if self.client is None or len(self.opened) >= 2:
            return
        line = Timeline(profile, conversation, limit=self.random.choice((3, 7, 50)))
        self.opened.append(Opened(line, self.client.replica.subscribe(line.apply)))
        self.load(line, line.newest())

    def load(self, line: Timeline, load: Load | None) -> None:
        """Fetch a page."""
        if self.client is not None and load is not None:
            self.calls.spawn(self._load(self.client, line, load), "load")

    async def _load(self, client: aio.Client, line: Timeline, load: Load) -> None:
        try:
            await client.load(line, load)
        except SalutError as error:
            if error.code in ("internal", "parse", "timeout", "storage"):
                self.faults.append(f"{self.name}: load {load}: {error.code} {error.message}")

    async def whole(self, line: Timeline) -> None:
        """Load a timeline to its beginning."""
        assert self.client is not None
        if line.needs_load:
            await self.client.load(line, line.newest())
        while await self.client.load(line, line.older()):
            pass
        while await self.client.load(line, line.newer()):
            pass

    async def close(self) -> None:
        """The end of the run."""
        with contextlib.suppress(SalutError):
            await self.leave()
        await self.calls.close()
