# SPDX-License-Identifier: AGPL-3.0-or-later
"""The block list as it is stored. Nothing is written, and no change told, where nothing changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import msgspec

from salut.api.ports import Read, SqlRow, Tx
from salut.api.wire import Item
from salut.plugins.blocking.api import Blocked

MOST: Final = 10_000
"""Entries kept for a profile; what a server has beyond them it refuses itself."""
SHOWN: Final = 500  # entries that a new window gets, the newest first; the rest on demand
SELECT: Final = "SELECT address, local, report, at, rev FROM blocked WHERE pid=?"


def of_row(row: SqlRow) -> Blocked:
    """A row of ``SELECT``."""
    r: tuple[Any, ...] = row
    return Blocked(address=r[0], local=bool(r[1]), report=r[2], at=r[3])


def get(read: Read, pid: int, address: str) -> Blocked | None:
    """One entry."""
    row = read.one(f"{SELECT} AND address=?", (pid, address))
    return of_row(row) if row is not None else None


def everything(read: Read, pid: int) -> list[Blocked]:
    """All entries."""
    return [of_row(row) for row in read.all(SELECT, (pid,))]


def page(read: Read, pid: int, after: str, limit: int) -> list[Blocked]:
    """Entries by address."""
    rows = read.all(f"{SELECT} AND address>? ORDER BY address LIMIT {int(limit)}", (pid, after))
    return [of_row(row) for row in rows]


def snapshot(read: Read, pid: int) -> Iterable[Item]:
    """What a new window gets."""
    for row in read.all(f"{SELECT} ORDER BY at DESC, address LIMIT {SHOWN}", (pid,)):
        yield Item("blocked", str(row[0]), cast("int", row[4]), of_row(row))


def addresses(read: Read, pid: int) -> frozenset[str]:
    """The addresses alone."""
    return frozenset(str(row[0]) for row in read.all("SELECT address FROM blocked WHERE pid=?", (pid,)))


def put(tx: Tx, new: Blocked) -> None:
    """Store an entry."""
    if get(tx, tx.pid, new.address) == new:
        return
    rev = tx.change("blocked", new.address, new)
    tx.execute(
        "INSERT OR REPLACE INTO blocked (pid, address, local, report, at, rev) VALUES (?,?,?,?,?,?)",
        (tx.pid, new.address, new.local, new.report, new.at, rev),
    )


def drop(tx: Tx, address: str) -> None:
    """An entry is gone."""
    if get(tx, tx.pid, address) is not None:
        tx.execute("DELETE FROM blocked WHERE pid=? AND address=?", (tx.pid, address))
        tx.change("blocked", address, None)


def added(tx: Tx, found: Sequence[str], at: int) -> frozenset[str]:
    """The server blocks these (too). What is blocked now."""
    room = MOST - len(addresses(tx, tx.pid))
    for address in found:
        old = get(tx, tx.pid, address)
        if old is not None:
            put(tx, msgspec.structs.replace(old, local=False))
        elif room > 0:
            put(tx, Blocked(address=address, at=at))
            room -= 1
    return addresses(tx, tx.pid)


def removed(tx: Tx, found: Sequence[str] | None) -> frozenset[str]:
    """The server blocks these no longer (``None``: nobody any more). What is blocked now."""
    gone = found if found is not None else [each.address for each in everything(tx, tx.pid) if not each.local]
    for address in gone:
        drop(tx, address)
    return addresses(tx, tx.pid)


def whole(tx: Tx, found: Sequence[str]) -> frozenset[str]:
    """The server's list as it is. What only this daemon blocks stays. What is blocked now."""
    there = set(found)
    for old in everything(tx, tx.pid):
        if not old.local and old.address not in there:
            drop(tx, old.address)
    return added(tx, found, 0)


def all_local(tx: Tx) -> frozenset[str]:
    """The server knows of none of them: this daemon alone refuses."""
    for old in everything(tx, tx.pid):
        put(tx, msgspec.structs.replace(old, local=True))
    return addresses(tx, tx.pid)
