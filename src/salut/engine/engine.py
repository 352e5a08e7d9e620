# SPDX-License-Identifier: AGPL-3.0-or-later
"""The engine assembled: store, journal, plugins, profiles, dispatcher."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

import salut
from salut.api import core
from salut.api.contract import DAEMON_JOURNAL
from salut.api.core import DaemonApi, DaemonInfo, Description, Trouble
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.batch import Bus
from salut.engine.database import Reader, Readers
from salut.engine.dispatcher import Dispatcher
from salut.engine.host import PluginHost, find
from salut.engine.journal import Journal
from salut.engine.links import LinkMaker
from salut.engine.plugin import Host
from salut.engine.profiles import Profiles
from salut.engine.registry import Registry
from salut.engine.settings import Settings
from salut.engine.store import begin_life, prepare
from salut.engine.tasks import Tasks
from salut.engine.vault import Vault
from salut.engine.windows import Windows
from salut.engine.writer import Journals, Writer
from salut.model import moment
from salut.model.errors import SalutError
from salut.model.owner import TaskOwner

JOURNAL_KEPT = 100_000  # changes that each journal keeps at least
TRIM_SECONDS = 600.0


@dataclass
class EngineOptions:
    """Where the engine keeps its things, and what is left out. ``durable``: see ``open_database``."""

    folder: Path
    without: Iterable[str] = ()
    log_lines: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    durable: bool = True


class Engine(DaemonApi):
    """One person's (or family's) engine. ``start`` it, ``stop`` it; everything hangs on it."""

    def __init__(
        self, options: EngineOptions, maker: LinkMaker, wires: object, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._options = options
        self._maker = maker
        self._wires = wires
        self._log = log
        self.instance = secrets.token_hex(8)
        self.started = moment.now()
        self.on_stop: Callable[[], None] = lambda: None
        self._trouble: Trouble | None = None
        self._closing = False

    async def start(self) -> None:
        """Open the store and load all plugins and profiles; nothing connects yet."""
        self._options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._options.folder / "salut.db"
        classes, left_out = find(self._log, self._options.without)
        connection = prepare(
            path,
            [(c.__module__.rpartition(".")[0] + ".migrations", c.schema) for c in classes if c.schema],
            durable=self._options.durable,
        )
        journals = Journals()
        journals.load(connection)
        lives = begin_life(connection, {pid: journals.heads[name] for name, pid in journals.pids.items()})
        self.owner = TaskOwner(self._failure)
        self.bus = Bus()
        self.journal = Journal(self.bus, journals.copy(), lives)
        self.journal.on_trouble = self._on_trouble
        self.settings = Settings(self.journal, Reader(connection))
        self.readers = Readers(path)
        self.writer = Writer(
            connection, journals, self.journal.deliver, self.journal.trouble, self.journal.rolled_back
        )
        self.journal.bind(self.writer)
        self.writer.start()
        self.registry = Registry()
        self.tasks = Tasks(self.journal, self.owner)
        self.windows = Windows(self.journal)
        self.plugins = PluginHost(self._log)
        self.plugins.status.update(left_out)
        vault = Vault(self._options.folder / "salut.key")
        self.profiles = Profiles(
            self.journal, self.readers, self.plugins, vault, self._maker, self.owner, self._log
        )
        self.registry.add(core.CONTRACT, (self, self.profiles, self.windows, self.tasks, self.settings))
        host = Host(
            self.journal,
            self.readers,
            self.tasks,
            self.owner,
            self._log,
            {},
            {},
            self.profiles.is_online,
            vault,
            self._wires,
            self.settings,
            self.profiles.address,
            self.windows,
            self.profiles,
        )
        await self.plugins.load(classes, host, self.registry)
        stored = await self.readers.read(
            lambda read: read.all("SELECT name, pid, shown FROM profile ORDER BY pid")
        )
        await self.profiles.load(stored)
        self.dispatcher = Dispatcher(self.registry, self.journal, self.readers, self.owner, self._log)

    def run(self) -> None:
        """Connect what is enabled."""
        self.profiles.connect_enabled()
        self.owner.spawn(self._trim(), "trim journals", standing=True)

    async def stop(self) -> None:
        """``daemon.stop``: asks the composition root to end."""
        self.on_stop()

    async def close(self) -> None:
        """Leave the servers, stop the plugins, store what is left."""
        self._closing = self.plugins.closing = True
        await self.profiles.close()
        await self.plugins.stop()
        await self.owner.close()
        self.writer.close()
        self.readers.close()

    def snapshot(self, read: Read, journal: str, pid: int, conversations: int) -> list[Item]:
        """The small state of one journal."""
        if journal == DAEMON_JOURNAL:
            return []
        return [
            *self.profiles.snapshot(read, journal, pid),
            *self.plugins.snapshot(read, journal, pid, conversations),
        ]

    # daemon.*
    async def info(self) -> DaemonInfo:
        def count(read: Read) -> int:
            if "history" not in self.plugins.plugins:
                return 0
            row = read.one("SELECT max(id) FROM message")
            return int(row[0] or 0) if row else 0

        return DaemonInfo(
            version=salut.__version__,
            instance=self.instance,
            pid=os.getpid(),
            started=self.started,
            profiles=len(self.profiles),
            windows=len(self.windows),
            messages=await self.readers.read(count),
            plugins=dict(self.plugins.status),
            trouble=self._trouble.message if self._trouble else "",
        )

    async def describe(self) -> Description:
        return msgspec.convert(self.registry.describe(), Description)

    async def log(self, *, lines: int = 50) -> list[str]:
        kept = list(self._options.log_lines)
        return kept[-max(1, min(lines, 1000)) :]

    # What goes wrong, and what is done now and then
    def _failure(self, name: str, error: BaseException) -> None:
        if self._closing and isinstance(error, SalutError) and error.code == "unavailable":
            return  # it came too late to be stored: what it was about comes again
        if isinstance(error, SalutError) and error.code == "not-found":
            profile = error.data.get("profile")
            if isinstance(profile, str) and profile not in self.journal.journals.pids:
                return  # the profile was deleted while this was done for it
        self._log.error("task failed", task=name, exc_info=error)

    def _on_trouble(self, error: SalutError | None) -> None:
        self._trouble = None
        if error is not None:
            self._log.error("storage fails", reason=error.message)
            self._trouble = Trouble(code=error.code, message=error.message, since=moment.now())
        self.journal.passing(DAEMON_JOURNAL, "trouble", "storage", self._trouble)

    async def _trim(self) -> None:
        def trim(tx: Tx) -> None:
            tx.execute(
                "DELETE FROM journal WHERE pid=? AND seq<=?", (tx.pid, tx.next_seq() - 1 - JOURNAL_KEPT)
            )

        while True:
            await asyncio.sleep(TRIM_SECONDS)
            for name in list(self.journal.journals.pids):
                try:
                    await self.journal.commit(name, trim)
                except SalutError as error:  # deleted meanwhile, or no room on the disk: next time
                    self._log.info("journal not trimmed", journal=name, reason=error.message)
