# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of rooms. What is shown and what is stored are one: each write is a change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, cast

import msgspec

from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.plugins.rooms.api import Room

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Room).decode


def load(read: Read, pid: int) -> list[tuple[Room, bytes]]:
    """All rooms of a profile with their sealed passwords."""
    rows = read.all("SELECT shown, password FROM room WHERE pid=? ORDER BY address", (pid,))
    return [(_decode(cast("bytes", shown)), cast("bytes", password)) for shown, password in rows]


def write(tx: Tx, rooms: Iterable[Room]) -> None:
    """Store rooms and tell of those that differ from what is stored."""
    for room in rooms:
        row = tx.one("SELECT shown FROM room WHERE pid=? AND address=?", (tx.pid, room.address))
        encoded = _encode(room)
        if row is not None and row[0] == encoded:
            continue
        rev = tx.change("room", room.address, room)
        tx.execute(
            "INSERT INTO room (pid, address, shown, password, rev) VALUES (?,?,?,x'',?) "
            "ON CONFLICT (pid, address) DO UPDATE SET shown=excluded.shown, rev=excluded.rev",
            (tx.pid, room.address, encoded, rev),
        )


def keep_password(tx: Tx, address: str, sealed: bytes) -> None:
    """Remember what opens a room that is stored already."""
    tx.execute("UPDATE room SET password=? WHERE pid=? AND address=?", (sealed, tx.pid, address))


def remove(tx: Tx, addresses: Sequence[str]) -> None:
    """Forget rooms."""
    for address in addresses:
        if tx.one("SELECT 1 FROM room WHERE pid=? AND address=?", (tx.pid, address)) is not None:
            tx.execute("DELETE FROM room WHERE pid=? AND address=?", (tx.pid, address))
            tx.change("room", address, None)


def snapshot(read: Read, pid: int) -> Iterator[Item]:
    """All rooms with their revisions."""
    for address, shown, rev in read.all("SELECT address, shown, rev FROM room WHERE pid=?", (pid,)):
        yield Item("room", cast("str", address), cast("int", rev), msgspec.Raw(cast("bytes", shown)))
