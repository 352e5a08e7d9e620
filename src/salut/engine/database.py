# SPDX-License-Identifier: AGPL-3.0-or-later
"""Opening the SQLite database, and reading it beside the writer (WAL: readers never wait)."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from salut.api.ports import Read, SqlParams, SqlRow
from salut.model.errors import SalutError
from salut.model.words import _

T = TypeVar("T")
# SQLite's primary result codes that speak of the disk, not of the statement.
DISK_CODES = frozenset(
    {5, 6, 8, 10, 11, 13, 14, 26}
)  # busy locked readonly ioerr corrupt full cantopen notadb
READERS = 2
BUSY_MS = 2_000
WAL_PAGES = 4_000
"""Pages (16 MB) that wait beside the database before they are moved into it: a page that many commits touch, as those
of indexes, is moved once. SQLite's own 1,000 are less than a second of a burst."""


def open_database(path: Path, *, readonly: bool = False, durable: bool = True) -> sqlite3.Connection:
    """A connection with our pragmas. A commit has reached the disk when it returns, if ``durable``.

    Tests that make thousands of commits and pull no plug do without that.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-4000")
    if not readonly:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        connection.execute("PRAGMA journal_size_limit=67108864")
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
    return connection


class Reader:
    """``Read`` on one connection; used inside one transaction at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def one(self, sql: str, params: SqlParams = ()) -> SqlRow | None:
        """First row or none."""
        row: SqlRow | None = self.connection.execute(sql, params).fetchone()
        return row

    def all(self, sql: str, params: SqlParams = ()) -> list[SqlRow]:
        """All rows."""
        return self.connection.execute(sql, params).fetchall()


def is_of_disk(error: sqlite3.Error) -> bool:
    """Whether an error speaks of the disk or of a lock, and not of the statement."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in DISK_CODES


def storage_error(error: sqlite3.Error) -> SalutError:
    """The typed error for a database that cannot be read or written now."""
    return SalutError(
        "storage",
        _("The daemon cannot use its database: {}. Make room on the disk or end what locks it.").format(
            error
        ),
        {"reason": str(error)},
    )


def stopping() -> SalutError:
    """For whoever still asks something of a daemon that ends."""
    return SalutError("unavailable", _("The daemon is stopping."))


class Readers:
    """A few reader threads. Each call sees one consistent state of the store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="reader")

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            connection = open_database(self._path, readonly=True)
            with self._lock:
                self._open.append(connection)
            reader = self._local.reader = Reader(connection)
        return reader

    def _run(self, work: Callable[[Read], T]) -> T:
        reader = self._reader()
        reader.connection.execute("BEGIN")
        try:
            return work(reader)
        except sqlite3.DatabaseError as error:
            raise storage_error(error) from error
        finally:
            reader.connection.execute("ROLLBACK")

    async def read(self, work: Callable[[Read], T]) -> T:
        """Run ``work`` in a reader thread. ``SalutError('storage')`` when the database cannot be read."""
        if self._closed:
            raise stopping()
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, work)

    def close(self) -> None:
        """End the threads and their connections; who reads from now on gets ``unavailable``."""
        self._closed = True
        self._pool.shutdown()
        for connection in self._open:
            connection.close()
