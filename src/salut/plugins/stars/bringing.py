# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stars that leave with an export and come with an import, on the same message whatever its number is there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from salut.api.ports import Read, Tx
from salut.model import moment
from salut.plugins.history.api import History, Pointer
from salut.plugins.stars.api import Star
from salut.plugins.stars.service import put


class CarriedStar(msgspec.Struct, frozen=True, kw_only=True):
    """A star in an export."""

    message: Pointer
    at: int


def dump(history: History, read: Read, pid: int, after: str, limit: int) -> Sequence[tuple[str, CarriedStar]]:
    """Stars by the number of their message; those whose message is gone are left out."""
    found: list[tuple[str, CarriedStar]] = []
    low = int(after) if after.isdecimal() and len(after) < 19 else 0
    while len(found) < limit:
        sql = "SELECT message, at FROM star WHERE pid=? AND message>? ORDER BY message LIMIT ?"
        rows = read.all(sql, (pid, low, limit))
        for row in rows:
            low = int(row[0] or 0)
            pointer = history.pointer(read, pid, low)
            if pointer is not None:
                found.append((str(low), CarriedStar(message=pointer, at=int(row[1] or 0))))
        if len(rows) < limit:
            break
    return found[:limit]


def bring(history: History, tx: Tx, stars: Sequence[CarriedStar]) -> int:
    """Put stars on messages that are here. How many are new."""
    new = 0
    for star in stars:
        message = history.pointed(tx, tx.pid, star.message)
        known = message is None or tx.one(
            "SELECT 1 FROM star WHERE pid=? AND message=?", (tx.pid, message.id)
        )
        if message is not None and not known:
            at = min(max(star.at, 0), moment.now())
            put(tx, Star(message=message.id, conversation=message.conversation, at=at, said_at=message.at))
            new += 1
    return new
