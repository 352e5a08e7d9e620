# SPDX-License-Identifier: AGPL-3.0-or-later
"""What ``jp hook run`` remembers: up to where it has read, what is still to be run, and what failed.

A change and the position after it are written together, so it is queued once. A run is written down before it
begins: one whose end is not written down is told as interrupted, and not run again.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from salut.model.errors import SalutError
from salut.model.words import _

KEPT_TROUBLES = 100  # of each hook
SCHEMA = """
CREATE TABLE IF NOT EXISTS position (journal TEXT PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    top INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY AUTOINCREMENT, hook TEXT NOT NULL, change TEXT NOT NULL,
    begun INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS run_hook ON run (hook, id);
CREATE TABLE IF NOT EXISTS result (hook TEXT PRIMARY KEY, ran INTEGER NOT NULL, failed INTEGER NOT NULL,
    at INTEGER NOT NULL, exit INTEGER, words TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trouble (id INTEGER PRIMARY KEY AUTOINCREMENT, hook TEXT NOT NULL, at INTEGER NOT NULL,
    change TEXT NOT NULL, words TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Place:
    """Up to where a journal is read. ``top``: the highest message id seen."""

    epoch: str
    seq: int
    top: int


@dataclass(frozen=True)
class Run:
    """A change that a hook's program is run with."""

    id: int
    hook: str
    change: str


@dataclass(frozen=True)
class Result:
    """How a hook fared. ``exit``: of the last run; none: it did not end by itself."""

    ran: int = 0
    failed: int = 0
    at: int = 0
    exit: int | None = None
    words: str = ""


class Ledger:
    """A small database of the window's own. May be used from several threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        path = folder / "hooks.db"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """No more."""
        with self._lock:
            self._db.close()

    def alone(self) -> IO[str]:
        """The right to run hooks, until the file is closed. ``conflict`` where another process has it."""
        file = (self._folder / "hooks.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise SalutError("conflict", _("Another “jp hook run” is at work already.")) from None
        return file

    @contextmanager
    def _unit(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _all(self, sql: str, params: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        with self._lock:
            return self._db.execute(sql, params).fetchall()

    # Reading on
    def places(self) -> dict[str, Place]:
        """Up to where each journal is read."""
        rows = self._all("SELECT journal, epoch, seq, top FROM position")
        return {str(r[0]): Place(str(r[1]), int(str(r[2])), int(str(r[3]))) for r in rows}

    def take(self, places: Mapping[str, Place], wanted: Iterable[tuple[str, str]] = ()) -> None:
        """Read up to here; these changes (hook, change) are to be run."""
        with self._unit() as db:
            db.executemany(
                "INSERT OR REPLACE INTO position (journal, epoch, seq, top) VALUES (?,?,?,?)",
                [(journal, place.epoch, place.seq, place.top) for journal, place in places.items()],
            )
            db.executemany("INSERT INTO run (hook, change) VALUES (?,?)", list(wanted))

    def gone(self, journal: str) -> None:
        """There is no such journal any more."""
        with self._unit() as db:
            db.execute("DELETE FROM position WHERE journal=?", (journal,))

    # Running
    def queued(self) -> dict[str, int]:
        """How many changes wait for each hook."""
        rows = self._all("SELECT hook, count(*) FROM run WHERE NOT begun GROUP BY hook")
        return {str(hook): int(str(count)) for hook, count in rows}

    def begin(self, hook: str) -> Run | None:
        """The next change of a hook; from now on it counts as begun."""
        with self._unit() as db:
            row = db.execute(
                "SELECT id, hook, change FROM run WHERE hook=? AND NOT begun ORDER BY id LIMIT 1", (hook,)
            ).fetchone()
            if row is not None:
                db.execute("UPDATE run SET begun=1 WHERE id=?", (row[0],))
        return Run(*row) if row is not None else None

    def end(self, run: Run, at: int, code: int | None, words: str, *, well: bool) -> None:
        """It has ended. Failures are kept."""
        with self._unit() as db:
            db.execute("DELETE FROM run WHERE id=?", (run.id,))
            db.execute(
                "INSERT INTO result (hook, ran, failed, at, exit, words) VALUES (?,1,?,?,?,?) ON CONFLICT (hook) DO "
                "UPDATE SET ran=ran+1, failed=failed+excluded.failed, at=excluded.at, exit=excluded.exit, "
                "words=excluded.words",
                (run.hook, not well, at, code, words),
            )
            if not well:
                _trouble(db, run.hook, at, run.change, words)

    def interrupted(self) -> list[Run]:
        """Runs that were begun and whose end nobody wrote down. They are not run again."""
        return [
            Run(int(str(r[0])), str(r[1]), str(r[2]))
            for r in self._all("SELECT id, hook, change FROM run WHERE begun ORDER BY id")
        ]

    def orphans(self, hooks: Iterable[str]) -> list[Run]:
        """What waits for hooks that are no more."""
        names = set(hooks)
        return [
            Run(int(str(r[0])), str(r[1]), str(r[2]))
            for r in self._all("SELECT id, hook, change FROM run WHERE NOT begun ORDER BY id")
            if r[1] not in names
        ]

    def trouble(self, at: int, words: str) -> None:
        """Something that concerns all hooks."""
        with self._unit() as db:
            _trouble(db, "", at, "", words)

    # Looking
    def results(self) -> dict[str, Result]:
        """How each hook fared."""
        with self._lock:
            rows = self._db.execute("SELECT hook, ran, failed, at, exit, words FROM result").fetchall()
        return {row[0]: Result(*row[1:]) for row in rows}

    def troubles(self, hook: str) -> list[tuple[int, str, str]]:
        """The last failures, the newest first: when, with which change, why."""
        with self._lock:
            return self._db.execute(
                "SELECT at, change, words FROM trouble WHERE hook=? ORDER BY id DESC", (hook,)
            ).fetchall()

    def forget(self, hook: str) -> None:
        """A hook was removed, or made anew."""
        with self._unit() as db:
            for table in ("result", "trouble"):
                db.execute(f"DELETE FROM {table} WHERE hook=?", (hook,))


def _trouble(db: sqlite3.Connection, hook: str, at: int, change: str, words: str) -> None:
    db.execute("INSERT INTO trouble (hook, at, change, words) VALUES (?,?,?,?)", (hook, at, change, words))
    db.execute(
        "DELETE FROM trouble WHERE hook=? AND id <= (SELECT id FROM trouble WHERE hook=? ORDER BY id DESC "
        f"LIMIT 1 OFFSET {KEPT_TROUBLES})",
        (hook, hook),
    )
