# SPDX-License-Identifier: AGPL-3.0-or-later
"""The avatars' tables. Nothing is written, and no change told, where nothing changes."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from salut.api.ports import Read, SqlRow, Tx
from salut.model import moment
from salut.plugins.avatars.api import Avatar

MOST_ADDRESSES: Final = 20_000  # as many as a roster may hold
MOST_BYTES: Final = 64 << 20  # of pictures kept for one profile; those fetched longest ago go first
SELECT: Final = "SELECT address, hash, type, size, width, height, source FROM avatar WHERE pid=?"
Source = Literal["pep", "vcard"]


class Known(msgspec.Struct, frozen=True):
    """A row: the avatar, and from where we know of it."""

    avatar: Avatar
    source: Source


def _of_row(row: SqlRow) -> Known:
    r: tuple[Any, ...] = row
    return Known(Avatar(address=r[0], hash=r[1], type=r[2], size=r[3], width=r[4], height=r[5]), r[6])


def get(read: Read, pid: int, address: str) -> Known | None:
    """What ``address`` shows."""
    row = read.one(f"{SELECT} AND address=?", (pid, address))
    return _of_row(row) if row is not None else None


def page(read: Read, pid: int, after: str, limit: int) -> list[Avatar]:
    """Avatars by address."""
    rows = read.all(f"{SELECT} AND address>? ORDER BY address LIMIT {int(limit)}", (pid, after))
    return [_of_row(row).avatar for row in rows]


def put(tx: Tx, new: Known) -> None:
    """``new.avatar.address`` shows this. A picture announced by an event is not replaced by one in a presence,
    which old devices of the same person send."""
    avatar = new.avatar
    old = get(tx, tx.pid, avatar.address)
    if old is not None and old.avatar.hash == avatar.hash:
        if old.source == "pep":
            new = msgspec.structs.replace(new, source=old.source)
        avatar = avatar if avatar.type else old.avatar  # a presence knows less than we have seen
        if Known(avatar, new.source) == old:
            return
    elif old is None:
        row = tx.one("SELECT count(*) FROM avatar WHERE pid=?", (tx.pid,))
        if row is not None and int(row[0] or 0) >= MOST_ADDRESSES:
            return
    elif old.source == "pep" and new.source == "vcard":
        return
    rev = tx.change("avatar", avatar.address, avatar)
    tx.execute(
        "INSERT OR REPLACE INTO avatar (pid, address, hash, type, size, width, height, source, rev) "
        "VALUES (?,?,?,?,?,?,?,?,?)",
        (
            tx.pid, avatar.address, avatar.hash, avatar.type, avatar.size, avatar.width, avatar.height,
            new.source, rev,
        ),
    )  # fmt: skip


def drop(tx: Tx, address: str, source: Source | None = None) -> None:
    """``address`` shows nothing any more, as far as ``source`` can know."""
    old = get(tx, tx.pid, address)
    if old is None or (source is not None and old.source != source):
        return
    tx.execute("DELETE FROM avatar WHERE pid=? AND address=?", (tx.pid, address))
    tx.change("avatar", address, None)


def data(read: Read, pid: int, key: str) -> bytes | None:
    """The bytes of a picture, if they are here."""
    row = read.one("SELECT data FROM avatar_data WHERE pid=? AND hash=?", (pid, key))
    return row[0] if row is not None and isinstance(row[0], bytes) else None


def keep(tx: Tx, key: str, content: bytes) -> None:
    """Keep the bytes of a picture; make room where there is none."""
    tx.execute(
        "INSERT OR REPLACE INTO avatar_data (pid, hash, data, at) VALUES (?,?,?,?)",
        (tx.pid, key, content, moment.now()),
    )
    row = tx.one("SELECT sum(length(data)) FROM avatar_data WHERE pid=?", (tx.pid,))
    over = int(row[0] or 0) - MOST_BYTES if row is not None else 0
    if over <= 0:
        return
    for old, size in tx.all(
        "SELECT hash, length(data) FROM avatar_data WHERE pid=? AND hash<>? ORDER BY at", (tx.pid, key)
    ):
        tx.execute("DELETE FROM avatar_data WHERE pid=? AND hash=?", (tx.pid, old))
        over -= int(size or 0)
        if over <= 0:
            return
