# SPDX-License-Identifier: AGPL-3.0-or-later
"""Heads in the store: of a gap that is still open, the newest part that is fetched of one conversation alone.

What a head holds stands where the gap's pages will find it: they come from the newest to the oldest, and
part around what is there already. So a head may be lost or made twice without harm; it only says from where on a
conversation is whole, and the gap goes on from its own end. On the writer's thread, in units of work.
"""

from __future__ import annotations

from typing import Final, cast

import msgspec

from salut.api.ports import Read, SqlRow, Tx
from salut.plugins.archive.api import Head

MOST_HEADS: Final = 1000
"""Of one gap; conversations beyond that wait for the gap's own pages."""
COLUMNS: Final = "gap, conversation, before_id, place, whole, rev"


class HeadRow(msgspec.Struct):
    """A head as it is stored. ``before_id``: the archive id of its oldest entry."""

    gap: int
    conversation: str
    before_id: str = ""
    place: int = 0
    whole: bool = False
    rev: int = 0

    @property
    def key(self) -> str:
        """Of the change."""
        return f"{self.gap} {self.conversation}"

    def shown(self) -> Head:
        """As windows see it."""
        return Head(gap=self.gap, conversation=self.conversation, place=self.place, whole=self.whole)


def of_row(row: SqlRow) -> HeadRow:
    """A row of ``COLUMNS``."""
    gap, conversation, before, place, whole, rev = cast("tuple[int, str, str, int, int, int]", row)
    return HeadRow(gap, conversation, before, place, bool(whole), rev)


def load(read: Read, pid: int, gap: int | None = None) -> list[HeadRow]:
    """All heads of a profile, or those of one gap."""
    where, params = ("AND gap=?", (pid, gap)) if gap is not None else ("", (pid,))
    return [
        of_row(row) for row in read.all(f"SELECT {COLUMNS} FROM archive_head WHERE pid=? {where}", params)
    ]


def find(read: Read, pid: int, gap: int, conversation: str) -> HeadRow | None:
    """One head."""
    sql = f"SELECT {COLUMNS} FROM archive_head WHERE pid=? AND gap=? AND conversation=?"
    row = read.one(sql, (pid, gap, conversation))
    return of_row(row) if row is not None else None


def write(tx: Tx, head: HeadRow) -> None:
    """Store a head and tell of it."""
    head.rev = tx.next_seq()
    values = [getattr(head, name) for name in head.__struct_fields__]
    tx.execute(
        f"INSERT OR REPLACE INTO archive_head (pid, {COLUMNS}) VALUES (?,?,?,?,?,?,?)", (tx.pid, *values)
    )
    tx.change("head", head.key, head.shown())


def remove(tx: Tx, gap: int) -> None:
    """The gap is closed: its heads say nothing any more."""
    for head in load(tx, tx.pid, gap):
        tx.change("head", head.key, None)
    tx.execute("DELETE FROM archive_head WHERE pid=? AND gap=?", (tx.pid, gap))
