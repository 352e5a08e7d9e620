# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a window begins: a snapshot or the difference, cut at one moment of the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from salut.api.ports import Read
from salut.api.wire import Item, Position, Start
from salut.engine.store import Lives

DELTA_FREE = 16 * 1024  # bytes of difference that are sent without asking whether a snapshot is smaller
MAX_CONVERSATIONS = 200
# Asked for both in one select, SQLite would walk through the whole journal: 70 ms for 100,000 changes.
BOUNDS = "SELECT (SELECT min(seq) FROM journal WHERE pid=?), (SELECT max(seq) FROM journal WHERE pid=?)"
SnapshotOf = Callable[[Read, str, int, int], list[Item]]  # journal, pid, conversations
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Wish:
    """What the window asked for, for one journal."""

    journal: str
    resume: Position | None
    state: bool  # False: changes only, never a snapshot
    conversations: int


def begin(read: Read, wish: Wish, pid: int, lives: Lives, snapshot: SnapshotOf) -> Start:
    """The start of one journal, in the reader's consistent view."""
    epoch = f"{lives.current}.{pid}"
    row = read.one(BOUNDS, (pid, pid))
    floor, head = (int(row[0] or 1) - 1, int(row[1] or 0)) if row else (0, 0)
    reset = refuse(wish.resume, lives, pid, floor, head)
    if not wish.state:
        if wish.resume is None:
            return Start(journal=wish.journal, position=Position(epoch, head), resumed=True)
        after = wish.resume.seq if not reset else floor
        return Start(journal=wish.journal, position=Position(epoch, after), resumed=True, reset=reset)
    if wish.resume is not None and not reset:
        items = _smaller(read, wish, pid, wish.resume.seq, snapshot)
        if items is None:
            return Start(journal=wish.journal, position=Position(epoch, wish.resume.seq), resumed=True)
        reset = "smaller"
    else:
        items = snapshot(read, wish.journal, pid, min(wish.conversations, MAX_CONVERSATIONS))
    return Start(
        journal=wish.journal, position=Position(epoch, head), resumed=False, reset=reset, items=items
    )


def refuse(resume: Position | None, lives: Lives, pid: int, floor: int, head: int) -> str:
    """Why a position cannot be resumed from; empty when it can (or when none was given)."""
    if resume is None:
        return ""
    if not lives.told(resume.epoch, resume.seq, pid):
        return "epoch"
    if resume.seq > head:
        return "ahead"
    if resume.seq < floor:
        return "compacted"
    return ""


def _smaller(read: Read, wish: Wish, pid: int, after: int, snapshot: SnapshotOf) -> list[Item] | None:
    """The snapshot, if it is smaller than the difference."""
    row = read.one("SELECT sum(length(payload)) FROM journal WHERE pid=? AND seq>?", (pid, after))
    size = int(row[0] or 0) if row else 0
    if size <= DELTA_FREE:
        return None
    items = snapshot(read, wish.journal, pid, min(wish.conversations, MAX_CONVERSATIONS))
    return items if len(_encode(items)) < size else None


def rows_after(read: Read, pid: int, after: int, limit: int, most: int) -> list[bytes]:
    """Encoded changes of a journal that follow ``after``, in order: at most ``limit``, about ``most`` bytes."""
    sizes = read.all(
        "SELECT seq, length(payload) FROM journal WHERE pid=? AND seq>? ORDER BY seq LIMIT ?",
        (pid, after, limit),
    )
    last, total = 0, 0
    for seq, size in sizes:
        assert isinstance(seq, int) and isinstance(size, int)
        if last and total + size > most:
            break
        last, total = seq, total + size
    rows = read.all(
        "SELECT payload FROM journal WHERE pid=? AND seq>? AND seq<=? ORDER BY seq", (pid, after, last)
    )
    return [row[0] for row in rows if isinstance(row[0], bytes)]
