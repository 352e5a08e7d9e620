# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table ``scheduled``, and the steps that a row may take: each is one unit of work, or a refusal.

``waiting`` -> (``claim``) -> ``sending`` -> (``finish``) -> gone. A row that was claimed is with the person no
more: it is sent, once, whatever happens to the daemon in between, because what it becomes in history bears its
``op``, by which history knows it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from salut.api.ports import Read, SqlRow, Tx
from salut.api.wire import Item
from salut.model import moment
from salut.model.errors import SalutError, not_found
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.later.agenda import Entry
from salut.plugins.later.api import Scheduled

MOST: Final = 1_000  # a profile
KEPT: Final = 7 * 86_400 * moment.SECOND  # how long it is shown that something left late
SHOWN_TEXT: Final = 65_536  # characters of all texts that a new window gets; the rest on demand
COLUMNS: Final = (
    "id, conversation, body, subject, at, made_at, undo, state, late, error, message, op, room, rev"
)


class Row(msgspec.Struct, frozen=True):
    """What the table holds beside what is shown."""

    shown: Scheduled
    op: str
    room: bool
    rev: int


class New(msgspec.Struct, frozen=True):
    """A row to be: ``undo`` in microseconds."""

    shown: Scheduled
    op: str
    room: bool
    undo: int


def of_row(row: SqlRow) -> Row:
    """A row of ``COLUMNS``."""
    r: tuple[Any, ...] = row
    shown = Scheduled(
        id=r[0],
        conversation=r[1],
        body=r[2],
        subject=r[3],
        at=r[4],
        made_at=r[5],
        undo=bool(r[6]),
        state=r[7],
        late=bool(r[8]),
        error=r[9],
        message=r[10],
    )
    return Row(shown, r[11], bool(r[12]), r[13])


# Reading
def entries(read: Read) -> list[Entry]:
    """All that will leave by itself, of all profiles."""
    rows: list[tuple[Any, ...]] = read.all(
        "SELECT pid, id, at, conversation, undo, state FROM scheduled WHERE state IN ('waiting','sending')"
    )
    return [Entry(r[0], r[1], r[2], r[3], r[4], r[5] == "sending") for r in rows]


def page(read: Read, pid: int, after: tuple[int, int], limit: int) -> Page[Scheduled]:
    """See ``LaterApi.list``."""
    rows = read.all(
        f"SELECT {COLUMNS} FROM scheduled WHERE pid=? AND (at, id) > (?,?) ORDER BY at, id LIMIT ?",
        (pid, *after, limit + 1),
    )
    items = [of_row(row).shown for row in rows[:limit]]
    return Page(items=items, after=f"{items[-1].at}.{items[-1].id}" if len(rows) > limit else None)


def snapshot(read: Read, pid: int) -> Iterable[Item]:
    """The next to leave, as far as there is room."""
    room = SHOWN_TEXT
    for found in read.all(f"SELECT {COLUMNS} FROM scheduled WHERE pid=? ORDER BY at, id", (pid,)):
        row = of_row(found)
        room -= len(row.shown.body) + len(row.shown.subject)
        if room < 0:
            return
        yield Item("scheduled", str(row.shown.id), row.rev, row.shown)


def get(read: Read, pid: int, key: int) -> Row:
    """One row. ``not-found``."""
    row = read.one(f"SELECT {COLUMNS} FROM scheduled WHERE pid=? AND id=?", (pid, key))
    if row is None:
        raise not_found(_("There is no message {} that waits: it has left, or was taken back.").format(key))
    return of_row(row)


# Steps
def add(tx: Tx, new: New) -> Scheduled:
    """Keep a message. One with an ``op`` that is there already is that one."""
    row = tx.one(f"SELECT {COLUMNS} FROM scheduled WHERE pid=? AND op=?", (tx.pid, new.op))
    if row is not None:
        there = of_row(row).shown
        if (there.conversation, there.body) != (new.shown.conversation, new.shown.body):
            raise SalutError("conflict", _("This op id was used for another message."), {"field": "op"})
        return there
    _purge(tx)
    count = tx.one("SELECT count(*) FROM scheduled WHERE pid=?", (tx.pid,))
    if count is not None and int(count[0] or 0) >= MOST:
        raise SalutError(
            "too-large",
            _("{} messages wait already; cancel some first: jp schedule list").format(MOST),
            {"field": "to", "limit": MOST},
        )
    s = new.shown
    key = tx.execute(
        "INSERT INTO scheduled (pid, op, conversation, room, body, subject, at, made_at, undo, state) "
        "VALUES (?,?,?,?,?,?,?,?,?,'waiting')",
        (tx.pid, new.op, s.conversation, new.room, s.body, s.subject, s.at, s.made_at, new.undo),
    )
    return _show(tx, key)


def change(tx: Tx, key: int, body: str | None, subject: str | None, at: int | None) -> Scheduled:
    """Other words or another time; what was stopped waits again."""
    there = _at_rest(tx, key).shown
    if there.state == "sent":
        raise _too_late()
    tx.execute(
        "UPDATE scheduled SET body=?, subject=?, at=?, undo=CASE WHEN ? THEN 0 ELSE undo END, state='waiting', "
        "error='', late=0 WHERE id=?",
        (
            there.body if body is None else body,
            there.subject if subject is None else subject,
            there.at if at is None else at,
            at is not None,
            key,
        ),
    )
    return _show(tx, key)


def cancel(tx: Tx, key: int) -> Scheduled:
    """It does not leave."""
    there = _at_rest(tx, key).shown
    _drop(tx, key)
    return there


def newest_held(tx: Tx) -> int:
    """The newest that is held for a moment. ``not-found``."""
    row = tx.one("SELECT max(id) FROM scheduled WHERE pid=? AND undo>0 AND state='waiting'", (tx.pid,))
    if row is None or row[0] is None:
        raise not_found(_("Nothing is held back now; what was sent has left."))
    return int(row[0])


def take_back(tx: Tx, key: int) -> Row:
    """It will not leave; its text is still to be put somewhere."""
    row = _at_rest(tx, key)
    if row.shown.state == "sent":
        raise _too_late()
    return row


def claim(tx: Tx, key: int, late: bool, at: int | None = None) -> Row | None:
    """It leaves now; nobody can take it back any more. None: it is not there, or not meant to leave.

    ``at``: the time that made it due; where it has another one by now, it is not due.
    """
    found = tx.one(f"SELECT {COLUMNS} FROM scheduled WHERE pid=? AND id=?", (tx.pid, key))
    row = of_row(found) if found is not None else None
    if row is None or row.shown.state not in ("waiting", "sending"):
        return None
    if row.shown.state == "sending":
        return row
    if at is not None and row.shown.at != at:
        return None
    tx.execute("UPDATE scheduled SET state='sending', late=? WHERE id=?", (late, key))
    _show(tx, key)
    return get(tx, tx.pid, key)


def claim_now(tx: Tx, key: int) -> Row:
    """The same because the person wants it. ``conflict`` when it leaves already."""
    if _at_rest(tx, key).shown.state == "sent":
        raise _too_late()
    tx.execute("UPDATE scheduled SET state='sending', error='', late=0, at=? WHERE id=?", (moment.now(), key))
    _show(tx, key)
    return get(tx, tx.pid, key)


def finish(tx: Tx, key: int, message: int) -> None:
    """It is in history. Only what left late is still shown."""
    found = tx.one("SELECT late FROM scheduled WHERE pid=? AND id=? AND state='sending'", (tx.pid, key))
    if found is None:
        return
    if not found[0]:
        _drop(tx, key)
    else:
        tx.execute(
            "UPDATE scheduled SET state='sent', message=?, sent_at=? WHERE id=?", (message, moment.now(), key)
        )
        _show(tx, key)
    _purge(tx)


def stop(tx: Tx, key: int, words: str) -> Scheduled:
    """It does not leave by itself."""
    tx.execute("UPDATE scheduled SET state='stopped', error=? WHERE id=?", (words[:500], key))
    return _show(tx, key)


def drop(tx: Tx, key: int) -> None:
    """It is gone."""
    _drop(tx, key)


def _at_rest(tx: Tx, key: int) -> Row:
    row = get(tx, tx.pid, key)
    if row.shown.state == "sending":
        raise _too_late()
    return row


def _too_late() -> SalutError:
    return SalutError("conflict", _("It is too late: the message leaves already."), {"field": "scheduled"})


def _show(tx: Tx, key: int) -> Scheduled:
    row = get(tx, tx.pid, key)
    rev = tx.change("scheduled", str(key), row.shown)
    tx.execute("UPDATE scheduled SET rev=? WHERE id=?", (rev, key))
    return row.shown


def _drop(tx: Tx, key: int) -> None:
    tx.execute("DELETE FROM scheduled WHERE pid=? AND id=?", (tx.pid, key))
    tx.change("scheduled", str(key), None)


def _purge(tx: Tx) -> None:
    """What left late long ago has been seen."""
    old = tx.all(
        "SELECT id FROM scheduled WHERE pid=? AND state='sent' AND sent_at<? LIMIT 100",
        (tx.pid, moment.now() - KEPT),
    )
    for (key,) in old:
        _drop(tx, int(key or 0))
