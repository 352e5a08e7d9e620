# SPDX-License-Identifier: AGPL-3.0-or-later
"""Another program's SQLite file, read and never written. What it holds is trusted in nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from salut.frontends.cli.portable.found import Bad, Where, fail
from salut.model.words import _

MAGIC: Final = b"SQLite format 3\x00"
Row = tuple[object, ...]


class Database:
    """A file and the tables that it has. Open it with ``with``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = Where(str(path))
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Database:
        try:
            self._connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)
            self._connection.text_factory = _text
            self._connection.execute("PRAGMA trusted_schema=OFF")
            self._connection.execute("PRAGMA query_only=ON")
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            self.__exit__()
            fail(self.where, _("it is no SQLite database that can be read: {}").format(error))
        return self

    def __exit__(self, *_ignored: object) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def columns(self, table: str) -> set[str]:
        """The columns of a real table; empty where there is none (a view is none)."""
        if not self.rows_now("SELECT 1 FROM sqlite_master WHERE type='table' AND name=?", (table,)):
            return set()
        return {str(row[1]) for row in self.rows_now(f'PRAGMA table_info("{table}")')}

    def need(self, tables: Mapping[str, str]) -> None:
        """Fail where a table or one of its columns (with spaces between) is missing."""
        for table, columns in tables.items():
            missing = set(columns.split()) - self.columns(table)
            if missing:
                fail(
                    self.where,
                    _("the table “{}” or a column of it is missing: {}").format(
                        table, ", ".join(sorted(missing))
                    ),
                )

    def rows_now(self, sql: str, params: tuple[object, ...] = ()) -> list[Row]:
        """A few rows at once."""
        return list(self._rows(sql, params))

    def rows(self, sql: str) -> Iterator[Row | Bad]:
        """All rows, one after another; a damaged file ends them with words."""
        number = 0
        try:
            for row in self._execute(sql, ()):
                number += 1
                yield row
        except sqlite3.Error as error:
            yield Bad(
                Where(str(self.path), number + 1, "row"), _("the database is damaged: {}").format(error)
            )

    def _rows(self, sql: str, params: tuple[object, ...]) -> Iterator[Row]:
        try:
            yield from self._execute(sql, params)
        except sqlite3.Error as error:
            fail(self.where, _("the database is damaged: {}").format(error))

    def _execute(self, sql: str, params: tuple[object, ...]) -> sqlite3.Cursor:
        assert self._connection is not None
        return self._connection.execute(sql, params)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def tables(path: Path) -> set[str]:
    """The names of a database's tables; empty for what is no database."""
    with path.open("rb") as stream:
        if stream.read(16) != MAGIC:
            return set()
    found: set[str] = set()
    with contextlib.suppress(sqlite3.Error):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        with contextlib.closing(connection):
            found = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master")}
    return found
