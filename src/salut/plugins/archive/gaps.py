# SPDX-License-Identifier: AGPL-3.0-or-later
"""Gaps in the store, as rows. On the writer's thread, in units of work."""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from salut.api.ports import Read, SqlRow, Tx
from salut.plugins.archive import heads
from salut.plugins.archive.api import Gap, GapState
from salut.plugins.archive.places import FIRST_SUB

COLUMNS: Final = (
    "id, stream, after_id, before_id, low, cap, sub, first_id, since, until, fetched, quota, manual, state, "
    "error, rev"
)


class Row(msgspec.Struct):
    """A gap as it is stored. Places between ``low`` and ``cap`` (0: open) are its own; ``sub`` falls."""

    id: int
    stream: str
    after_id: str = ""
    before_id: str = ""
    low: int = 0
    cap: int = 0
    sub: int = FIRST_SUB
    first_id: int = 0
    since: int = 0
    until: int = 0
    fetched: int = 0
    quota: int = 0
    manual: bool = False
    state: GapState = "open"
    error: str = ""
    rev: int = 0

    def shown(self) -> Gap:
        """As windows see it."""
        return Gap(
            id=self.id,
            archive=self.stream,
            after=self.after_id,
            before=self.before_id,
            low=self.low,
            high=self.cap,
            since=self.since,
            until=self.until,
            fetched=self.fetched,
            manual=self.manual,
            state=self.state,
            error=self.error,
        )


def of_row(row: SqlRow) -> Row:
    """A row of ``COLUMNS``."""
    values: dict[str, Any] = dict(zip(Row.__struct_fields__, row, strict=True))
    values["manual"] = bool(values["manual"])
    return Row(**values)


def load(read: Read, pid: int, stream: str | None = None) -> list[Row]:
    """All gaps of a profile, newest first."""
    where, params = ("AND stream=?", (pid, stream)) if stream is not None else ("", (pid,))
    found = read.all(f"SELECT {COLUMNS} FROM archive_gap WHERE pid=? {where} ORDER BY id DESC", params)
    return [of_row(row) for row in found]


def find(read: Read, pid: int, key: int) -> Row | None:
    """One gap."""
    row = read.one(f"SELECT {COLUMNS} FROM archive_gap WHERE pid=? AND id=?", (pid, key))
    return of_row(row) if row is not None else None


def write(tx: Tx, row: Row) -> Row:
    """Store a gap (a new one has id 0) and tell of it."""
    if not row.id:
        found = tx.one("SELECT coalesce(max(id), 0) + 1 FROM archive_gap")
        row.id = cast("int", found[0]) if found else 1
    row.rev = tx.next_seq()
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    tx.execute(
        f"INSERT OR REPLACE INTO archive_gap (pid, {COLUMNS}) VALUES (?{',?' * len(values)})",
        (tx.pid, *values.values()),
    )
    tx.change("gap", str(row.id), row.shown())
    return row


def remove(tx: Tx, key: int) -> None:
    """The gap is filled."""
    heads.remove(tx, key)
    tx.execute("DELETE FROM archive_gap WHERE pid=? AND id=?", (tx.pid, key))
    tx.change("gap", str(key), None)


def checked(read: Read, pid: int, stream: str) -> str:
    """The archive id up to which nothing can appear between others any more."""
    row = read.one("SELECT checked FROM archive_top WHERE pid=? AND stream=?", (pid, stream))
    return str(row[0]) if row is not None else ""


def set_state(tx: Tx, key: int, state: GapState, error: str = "") -> None:
    """Tell how it stands with a gap, if it is still there."""
    row = find(tx, tx.pid, key)
    if row is not None and (row.state, row.error) != (state, error):
        row.state, row.error = state, error[:500]
        write(tx, row)
