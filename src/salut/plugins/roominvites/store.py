# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of invitations. Each write is a change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, cast

import msgspec

from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.plugins.roominvites.api import Invitation
from salut.plugins.roominvites.shelf import Waiting

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Invitation).decode


def load(read: Read, pid: int) -> list[Waiting]:
    """All of a profile."""
    rows = read.all("SELECT shown, password FROM room_invitation WHERE pid=?", (pid,))
    return [Waiting(_decode(cast("bytes", shown)), cast("bytes", sealed)) for shown, sealed in rows]


def write(tx: Tx, waiting: Waiting) -> None:
    """Store one."""
    shown = waiting.shown
    rev = tx.change("invitation", shown.room, shown)
    tx.execute(
        "INSERT OR REPLACE INTO room_invitation (pid, room, shown, password, rev) VALUES (?,?,?,?,?)",
        (tx.pid, shown.room, _encode(shown), waiting.sealed, rev),
    )


def remove(tx: Tx, rooms: Iterable[str]) -> None:
    """Take some away."""
    for room in rooms:
        if tx.one("SELECT 1 FROM room_invitation WHERE pid=? AND room=?", (tx.pid, room)) is not None:
            tx.execute("DELETE FROM room_invitation WHERE pid=? AND room=?", (tx.pid, room))
            tx.change("invitation", room, None)


def snapshot(read: Read, pid: int) -> Iterator[Item]:
    """All with their revisions."""
    for room, shown, rev in read.all("SELECT room, shown, rev FROM room_invitation WHERE pid=?", (pid,)):
        yield Item("invitation", cast("str", room), cast("int", rev), msgspec.Raw(cast("bytes", shown)))
