# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a plugin's in-daemon contract may name of the engine, without importing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

SqlValue = int | str | bytes | float | None
SqlRow = tuple[SqlValue, ...]
SqlParams = Mapping[str, SqlValue] | Sequence[SqlValue]


class Read(Protocol):
    """Reading the store, in one consistent view."""

    def one(self, sql: str, params: SqlParams = ()) -> SqlRow | None:
        """First row or none."""

    def all(self, sql: str, params: SqlParams = ()) -> list[SqlRow]:
        """All rows."""


class Tx(Read, Protocol):
    """One unit of work on the writer thread: tables and changes are stored together or not at all."""

    @property
    def profile(self) -> str:
        """Whose journal this unit writes; "" the daemon's."""

    @property
    def pid(self) -> int:
        """The profile's number in tables (0 for the daemon)."""

    def execute(self, sql: str, params: SqlParams = ()) -> int:
        """Run one statement. Returns the last row id of an insert."""

    def many(self, sql: str, rows: Iterable[SqlParams]) -> None:
        """Run one statement for many rows."""

    def next_seq(self) -> int:
        """The ``seq`` that the next ``change`` will get, to be stored as ``rev`` with the row."""

    def change(self, name: str, key: str, value: msgspec.Struct | None) -> int:
        """Append a change to the journal (``None``: the object is gone). Returns its ``seq``."""
