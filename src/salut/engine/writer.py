# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one thread that writes the database.

Whatever waits (up to ``GROUP``) goes into one transaction (group commit). A unit of work that fails
takes only itself back. When the disk fails, units that came from outside wait and are tried again, so that
they are acknowledged only when they are stored; units that a person waits for fail at once, in words.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

import msgspec

from salut.api.ports import SqlParams, SqlRow, Tx
from salut.api.wire import Cause
from salut.engine.batch import Batch, encode_change
from salut.engine.database import is_of_disk, stopping, storage_error
from salut.model import moment
from salut.model.errors import SalutError

GROUP = 500
BURST = 64
"""Units in a commit from which on more are likely to come at once."""
LINGER = 0.010
"""Seconds that the next commit then waits for them: what a commit costs beside its rows (the disk, the index of words)
is the same for 100 and for 500 messages. Without a burst nothing waits."""
RETRY_SECONDS = 1.0
T = TypeVar("T")


class BatchWork(Protocol):
    """Work that takes many items at once; consecutive items of one journal reach it together."""

    def run(self, tx: Tx, items: list[object]) -> list[object]:
        """Do the work; one result for each item, in order."""


class Unit(msgspec.Struct):
    """One thing to commit: ``work(tx)``, or ``item`` for ``batch``. ``ticket`` is the submitter's own."""

    journal: str
    ticket: object
    work: Callable[[Tx], object] | None = None
    batch: BatchWork | None = None
    item: object = None
    cause: Cause | None = None
    patient: bool = False


class Journals:
    """Numbers and heads of the journals by name. The writer has one of its own, the loop another."""

    def __init__(self) -> None:
        self.pids: dict[str, int] = {"": 0}
        self.heads: dict[str, int] = {"": 0}

    def load(self, connection: sqlite3.Connection) -> None:
        """Read names and heads from the database."""
        for name, pid in [("", 0), *connection.execute("SELECT name, pid FROM profile").fetchall()]:
            self.pids[name] = pid
            row = connection.execute("SELECT max(seq) FROM journal WHERE pid=?", (pid,)).fetchone()
            self.heads[name] = row[0] or 0

    def copy(self) -> Journals:
        """The same, for another thread."""
        fresh = Journals()
        fresh.pids, fresh.heads = dict(self.pids), dict(self.heads)
        return fresh


Mark = tuple[int, dict[str, int], dict[str, int]]  # rows, heads, pids


class Transaction:
    """``Tx`` over the writer's connection."""

    def __init__(self, connection: sqlite3.Connection, journals: Journals, at: int) -> None:
        self._connection = connection
        self._journals = journals
        self._at = at
        self.profile = ""
        self.pid = 0
        self.cause: Cause | None = None
        self.rows: list[tuple[int, int, bytes]] = []
        self.order: list[str] = []

    def one(self, sql: str, params: SqlParams = ()) -> SqlRow | None:
        """First row or none."""
        row: SqlRow | None = self._connection.execute(sql, params).fetchone()
        return row

    def all(self, sql: str, params: SqlParams = ()) -> list[SqlRow]:
        """All rows."""
        return self._connection.execute(sql, params).fetchall()

    def execute(self, sql: str, params: SqlParams = ()) -> int:
        """Run one statement; the last row id of an insert."""
        return self._connection.execute(sql, params).lastrowid or 0

    def many(self, sql: str, rows: Iterable[SqlParams]) -> None:
        """Run one statement for many rows."""
        self._connection.executemany(sql, rows)

    def next_seq(self) -> int:
        """The number that the next change gets."""
        return self._journals.heads[self.profile] + 1

    def change(self, name: str, key: str, value: msgspec.Struct | None) -> int:
        """Append to the journal of this unit's profile."""
        seq = self._journals.heads[self.profile] = self._journals.heads[self.profile] + 1
        self.rows.append((self.pid, seq, encode_change(seq, name, key, self._at, value, self.cause)))
        self.order.append(self.profile)
        return seq

    def open_journal(self, name: str, pid: int) -> None:
        """A profile was made in this unit; its journal is empty."""
        self._journals.pids = {**self._journals.pids, name: pid}
        self._journals.heads[name] = 0

    def close_journal(self, name: str) -> None:
        """A profile was deleted in this unit."""
        self._journals.pids = {key: pid for key, pid in self._journals.pids.items() if key != name}
        self._journals.heads.pop(name, None)

    def enter(self, unit: Unit) -> None:
        """Work for this unit from now on."""
        self.profile = unit.journal
        self.pid = self._journals.pids[unit.journal]
        self.cause = unit.cause

    def mark(self) -> Mark:
        """Where we are, for ``back_to``."""
        return len(self.rows), dict(self._journals.heads), self._journals.pids

    def back_to(self, mark: Mark) -> None:
        """Forget changes made since ``mark``, and journals opened or closed."""
        length, heads, self._journals.pids = mark
        del self.rows[length:]
        del self.order[length:]
        self._journals.heads = dict(heads)

    def batches(self) -> list[Batch]:
        """What was appended, as one batch for each journal."""
        by_journal: dict[str, tuple[int, list[bytes]]] = {}
        for (_pid, seq, payload), journal in zip(self.rows, self.order, strict=True):
            by_journal.setdefault(journal, (seq, []))[1].append(payload)
        return [Batch(journal, first, changes) for journal, (first, changes) in by_journal.items()]


class Outcome(msgspec.Struct, Generic[T]):
    """A unit's end, told in the loop after its changes were published."""

    unit: Unit
    value: object
    seq: int
    error: BaseException | None


Deliver = Callable[[list[Batch], list["Outcome[object]"]], None]
OnTrouble = Callable[[SalutError | None], None]


class Writer:
    """Owns the writing connection. ``deliver`` and ``on_trouble`` are called from the writer's thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        journals: Journals,
        deliver: Deliver,
        on_trouble: OnTrouble,
        on_rollback: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._journals = journals
        self._deliver = deliver
        self._on_trouble = on_trouble
        self._on_rollback = on_rollback  # whoever remembers what was written forgets it
        self._queue: queue.SimpleQueue[Unit | None] = queue.SimpleQueue()
        self._waiting: list[Unit] = []  # patient units that a failing disk holds up
        self._trouble = False
        self._burst = False
        self._closing = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def submit(self, unit: Unit) -> None:
        """Hand over a unit; from any thread. After ``close`` it ends with ``unavailable``."""
        if self._closed:
            self._deliver([], [Outcome(unit, None, 0, stopping())])
        else:
            self._queue.put(unit)

    def close(self) -> None:
        """Store what waits, then end. What cannot be stored was not: its submitter is told ``unavailable``."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        left = self._waiting
        with contextlib.suppress(queue.Empty):
            while True:
                unit = self._queue.get_nowait()
                left += [unit] if unit is not None else []
        if left:
            self._deliver([], [Outcome(unit, None, 0, stopping()) for unit in left])

    def _take(self) -> list[Unit]:
        units = self._waiting
        self._waiting = []
        fresh = self._next()
        if fresh is not None:
            units.append(fresh)
            if self._burst and self._queue.qsize() < GROUP and not self._closed:
                time.sleep(LINGER)
            self._more(units)
        self._burst = len(units) >= BURST
        return units

    def _more(self, units: list[Unit]) -> None:
        """Add what else has come."""
        with contextlib.suppress(queue.Empty):
            while len(units) < GROUP:
                fresh = self._queue.get_nowait()
                if fresh is None:
                    self._closing = True
                    return
                units.append(fresh)

    def _next(self) -> Unit | None:
        try:
            unit = self._queue.get(timeout=RETRY_SECONDS if self._trouble else None)
        except queue.Empty:
            return None
        if unit is None:
            self._closing = True
        return unit

    def _run(self) -> None:
        while not self._closing:
            units = self._take()
            if units:
                self._commit(units)
        self._connection.close()

    def _commit(self, units: list[Unit]) -> None:
        tx = Transaction(self._connection, self._journals, moment.now())
        mark = tx.mark()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = self._work(tx, units)
            tx.many("INSERT INTO journal (pid, seq, payload) VALUES (?,?,?)", tx.rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(tx, mark)
            self._failed(units, error)
            return
        if self._trouble:
            self._trouble = False
            self._on_trouble(None)
        self._deliver(tx.batches(), outcomes)

    def _undo(self, tx: Transaction, mark: Mark) -> None:
        with contextlib.suppress(sqlite3.Error):  # a failed BEGIN leaves nothing to roll back
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        tx.back_to(mark)
        self._on_rollback()

    def _failed(self, units: list[Unit], error: sqlite3.Error) -> None:
        words = storage_error(error)
        if not self._trouble:
            self._trouble = True
            self._on_trouble(words)
        self._waiting = [unit for unit in units if unit.patient]
        refused = [Outcome[object](unit, None, 0, words) for unit in units if not unit.patient]
        if refused:
            self._deliver([], refused)
        time.sleep(0.05)  # a failing disk is not asked more often than this, whatever comes in

    def _work(self, tx: Transaction, units: list[Unit]) -> list[Outcome[object]]:
        outcomes: list[Outcome[object]] = []
        at = 0
        while at < len(units):
            end = at + 1
            unit = units[at]
            if unit.batch is not None:
                while (
                    end < len(units) and units[end].batch is unit.batch and units[end].journal == unit.journal
                ):
                    end += 1
            outcomes += self._group(tx, units[at:end], alone=end - at == len(units))
            at = end
        return outcomes

    def _group(self, tx: Transaction, units: list[Unit], *, alone: bool = False) -> list[Outcome[object]]:
        """``alone``: nothing else is in the transaction. A savepoint, for which SQLite copies each page that is
        touched into a file, is not needed then: the whole is taken back and begun anew."""
        unit = units[0]
        if unit.journal not in self._journals.pids:
            gone = SalutError("not-found", f"profile {unit.journal} is gone", {"profile": unit.journal})
            return [Outcome(each, None, 0, gone) for each in units]
        mark = tx.mark()
        if not alone:
            tx.execute("SAVEPOINT unit")
        try:
            tx.enter(unit)
            if unit.batch is not None:
                values = unit.batch.run(tx, [each.item for each in units])
            else:
                assert unit.work is not None
                values = [unit.work(tx)]
        except Exception as error:
            if isinstance(error, sqlite3.Error) and is_of_disk(error):
                raise
            if alone:
                tx.execute("ROLLBACK")
                tx.execute("BEGIN IMMEDIATE")
            else:
                tx.execute("ROLLBACK TO unit")
                tx.execute("RELEASE unit")
            tx.back_to(mark)
            self._on_rollback()
            if len(units) > 1:  # one bad item must not take its neighbours with it
                return [outcome for each in units for outcome in self._group(tx, [each])]
            return [Outcome(unit, None, 0, error)]
        if not alone:
            tx.execute("RELEASE unit")
        seq = self._journals.heads[unit.journal]
        return [Outcome(each, value, seq, None) for each, value in zip(units, values, strict=True)]
