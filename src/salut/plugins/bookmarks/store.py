# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of bookmarks. Passwords are sealed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from salut.api.ports import Read, SqlRow, Tx
from salut.api.wire import Item
from salut.engine.vault import Vault
from salut.plugins.bookmarks.api import Bookmark
from salut.plugins.bookmarks.marks import Entry, Mark

COLUMNS: Final = (
    "address, name, nick, autojoin, removed, rev, password, element, there, due, pinned, notify, muted_until"
)
SELECT: Final = f"SELECT {COLUMNS} FROM bookmark WHERE pid=?"


def shown(row: SqlRow) -> Bookmark | None:
    """What windows see of a row of ``SELECT``; ``None``: it is removed."""
    r: tuple[Any, ...] = row
    return None if r[4] else Bookmark(address=r[0], name=r[1], nick=r[2], autojoin=bool(r[3]))


def entry(row: SqlRow, vault: Vault, profile: str) -> Entry:
    """A row of ``SELECT``."""
    r: tuple[Any, ...] = row
    mark = Mark(
        address=r[0],
        name=r[1],
        nick=r[2],
        autojoin=bool(r[3]),
        password=vault.open(label(profile, r[0]), r[6]) if r[6] else "",
        element=r[7],
        pinned=bool(r[10]),
        notify=r[11],
        muted_until=r[12],
    )
    return Entry(mark, there=r[8], due=r[9], removed=bool(r[4]))


def label(profile: str, address: str) -> str:
    """What a password is sealed for."""
    return f"bookmark {profile} {address}"


def write(tx: Tx, address: str, now: Entry | None, sealed: bytes) -> None:
    """Store a bookmark (``None``: forget it), and tell windows where they see something new."""
    row = tx.one(f"{SELECT} AND address=?", (tx.pid, address))
    before = shown(row) if row is not None else None
    after = now.mark.shown if now is not None and not now.removed else None
    rev: Any = row[5] if row is not None else 0
    if before != after:
        rev = tx.change("bookmark", address, after)
    if now is None:
        tx.execute("DELETE FROM bookmark WHERE pid=? AND address=?", (tx.pid, address))
        return
    m = now.mark
    tx.execute(
        f"INSERT OR REPLACE INTO bookmark (pid, {COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            tx.pid,
            address,
            m.name,
            m.nick,
            m.autojoin,
            now.removed,
            rev,
            sealed,
            m.element,
            now.there,
            now.due,
            m.pinned,
            m.notify,
            m.muted_until,
        ),
    )


def snapshot(read: Read, pid: int) -> Iterator[Item]:
    """All bookmarks with their revisions."""
    for row in read.all(SELECT, (pid,)):
        bookmark = shown(row)
        if bookmark is not None:
            revision: Any = row[5]
            yield Item("bookmark", bookmark.address, revision, bookmark)
