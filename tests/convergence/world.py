# SPDX-License-Identifier: AGPL-3.0-or-later
"""The daemon of one run: a real engine, real store and real bindings, killed and restarted at will."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Annotated, Any

import msgspec
import structlog

from salut.api.ports import Read, Tx
from salut.bridge.bounds import Bounds
from salut.bridge.inprocess import InProcessBinding
from salut.bridge.unix import UnixBinding
from salut.bridge.window import WindowSession
from salut.engine.dispatcher import Caller
from salut.engine.engine import Engine, EngineOptions
from salut.model.errors import SalutError
from salut.plugins.history import rows
from salut.plugins.roster import ledger as contacts
from salut.xmpp.router import Router, Wires
from salut.xmpp.shared import Shared
from tests.convergence.fake_server import DOMAIN, FakeServer

PROFILES = ("anna", "bela", "cora")
PEERS = tuple(f"peer{n}@other.example" for n in range(5))
BOUNDS = Bounds(
    queue_bytes=8 * 1024, queue_count=100, feed_rows=7, feed_bytes=4 * 1024, write_buffer=1024, send_buffer=2304,
)  # fmt: skip
Truth = dict[str, dict[str, dict[str, tuple[int, Any]]]]


class Knobs(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that windows fight over."""

    volume: Annotated[int, msgspec.Meta(ge=0, le=100, description="loudness")] = 50
    colour: Annotated[str, msgspec.Meta(max_length=20, description="colour")] = "red"
    quiet: Annotated[bool, msgspec.Meta(description="no sound")] = False


class Complaints:
    """A log that keeps what must not be said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, _logger: object, level: str, event: structlog.types.EventDict) -> str:
        if level in ("error", "critical", "exception"):
            self.lines.append(str(dict(event)))
        raise structlog.DropEvent


def address(profile: str) -> str:
    """The account of a profile."""
    return f"{profile}@{DOMAIN}"


class World:
    """One daemon over all its lives."""

    def __init__(self, folder: Path, template: Path, random: Random) -> None:
        self.folder = folder
        self.complaints = Complaints()
        self.log: Any = structlog.wrap_logger(
            structlog.PrintLogger(), processors=[structlog.processors.format_exc_info, self.complaints]
        )
        self.server = FakeServer(random)
        self.overflows = 0
        self.lives = 0
        folder.mkdir(parents=True)
        shutil.copy(template, folder / "salut.db")
        self.engine: Engine
        self.unix: UnixBinding
        self.inside: InProcessBinding
        self.running = False

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    # Lives
    async def start(self) -> None:
        """Start the daemon on what the folder holds."""
        wires = Wires(Shared.fresh(), Router())
        options = EngineOptions(self.folder, durable=False)
        self.engine = Engine(options, self.server.make_link(wires), wires, self.log)
        await self.engine.start()
        self.engine.settings.declare("knobs", Knobs)
        self.unix = UnixBinding(self.engine, self.socket, self.log, BOUNDS)
        self.inside = InProcessBinding(self.engine, self.log, BOUNDS)
        await self.unix.start()
        self.engine.run()
        self.lives += 1
        self.running = True

    async def stop(self) -> None:
        """End it as a signal would."""
        self.running = False
        self._count_overflows()
        await asyncio.gather(self.unix.close(), self.inside.close())
        await self.engine.close()
        await self.server.killed()

    async def kill(self) -> None:
        """End it after the newest commit: nothing that waits is stored, nobody is told."""
        self.running = False
        self.engine._closing = self.engine.plugins.closing = True
        self._count_overflows()
        await self.server.killed()
        writer = self.engine.writer
        with contextlib.suppress(queue.Empty):
            while True:
                writer._queue.get_nowait()
        writer.close()
        for session in [*self.unix._sessions, *self.inside._sessions]:
            session.goodbye = "killed"  # no word of it reaches the window
            session.ending.set()
        await self.unix.close()
        await self.inside.close()
        await self.engine.owner.close()
        self.engine.readers.close()

    def _count_overflows(self) -> None:
        for session in [*self.unix._sessions, *self.inside._sessions]:
            self.overflows += session.feed.dropped
            session.feed.dropped = 0

    def session_of(self, window: str) -> WindowSession | None:
        """The daemon's side of a window."""
        for session in [*self.unix._sessions, *self.inside._sessions]:
            if session._attached == window:
                return session
        return None

    # Copies of the database
    async def back_up(self) -> None:
        """Copy the database as it is now."""
        target = self.folder / "copy.db"
        target.unlink(missing_ok=True)

        def copy() -> None:
            with contextlib.closing(sqlite3.connect(self.folder / "salut.db")) as source:
                source.execute("VACUUM INTO ?", (str(target),))

        await asyncio.to_thread(copy)

    def restore(self) -> bool:
        """Put the copy back, if there is one; the daemon must not run."""
        copy = self.folder / "copy.db"
        if not copy.exists():
            return False
        for name in ("salut.db-wal", "salut.db-shm"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.copy(copy, self.folder / "salut.db")
        self.server.stored.clear()  # what came after the copy is lost with it
        return True

    # Doing and asking
    async def call(self, method: str, **params: Any) -> Any:
        """Call as a window that sees all."""
        reply = await self.engine.dispatcher.call(Caller(), method, msgspec.json.encode(params))
        return msgspec.json.decode(reply).get("value")

    async def trim(self, journal: str, keep: int) -> None:
        """Make the journal forget all but its newest changes."""

        def work(tx: Tx) -> None:
            tx.execute("DELETE FROM journal WHERE pid=? AND seq<=?", (tx.pid, tx.next_seq() - 1 - keep))

        with contextlib.suppress(SalutError):
            await self.engine.journal.commit(journal, work)

    async def truth(self) -> tuple[Truth, Truth]:
        """(objects of snapshot kinds, all objects) as the daemon's store holds them."""
        pids = dict(self.engine.journal.journals.pids)
        return await self.engine.readers.read(self._truth(pids))

    def _truth(self, pids: dict[str, int]) -> Callable[[Read], tuple[Truth, Truth]]:
        def read(store: Read) -> tuple[Truth, Truth]:
            shown: Truth = {}
            everything: Truth = {}
            for journal, pid in pids.items():
                for item in self.engine.snapshot(store, journal, pid, 10_000):
                    for place in (shown, everything):
                        objects = place.setdefault(journal, {}).setdefault(item.name, {})
                        objects[item.key] = (item.rev, plain(item.value))
                for row in store.all(f"{rows.MESSAGES} WHERE m.pid=?", (pid,)):
                    rev = store.one("SELECT rev FROM message WHERE id=?", (row[0],))
                    assert rev is not None and isinstance(rev[0], int)
                    messages = everything.setdefault(journal, {}).setdefault("message", {})
                    messages[str(row[0])] = (rev[0], plain(rows.message(row)))
                for row in store.all(f"SELECT {contacts.COLUMNS}, rev FROM contact WHERE pid=?", (pid,)):
                    held = everything.setdefault(journal, {}).setdefault("contact", {})
                    assert isinstance(row[-1], int)
                    held[str(row[0])] = (row[-1], plain(contacts.of_row(row)))
            return shown, everything

        return read

    async def settings(self) -> dict[str, tuple[int, Any]]:
        """All settings that were ever set, with their revisions."""
        found = await self.call("settings.list")
        return {setting["name"]: (setting["rev"], setting) for setting in found if setting["rev"]}

    async def close(self) -> None:
        """The end of the run."""
        if self.running:
            await self.stop()
        await self.server.owner.close()


def plain(value: object) -> Any:
    """A struct as a window's JSON reader sees it."""
    return msgspec.json.decode(msgspec.json.encode(value))
