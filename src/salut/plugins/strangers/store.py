# SPDX-License-Identifier: AGPL-3.0-or-later
"""Strangers as they are stored. Those who were accepted are rows as well, but no objects of windows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from salut.api.ports import Read, SqlRow, Tx
from salut.api.wire import Item
from salut.model import moment
from salut.model.errors import invalid
from salut.model.words import _
from salut.plugins.history.api import History, NewMessage
from salut.plugins.strangers.api import Stranger
from salut.plugins.strangers.memory import MOST_COUNTED, MOST_WAITING, Memory, Waiting

PREVIEW: Final = 120
SHOWN: Final = 100  # strangers that a new window gets, the newest first; the rest on demand
MOST_REFUSED: Final = 5_000
SELECT: Final = "SELECT address, since, at, count, preview, state, rev FROM stranger WHERE pid=?"


def of_row(row: SqlRow) -> Stranger:
    """A row of ``SELECT``."""
    r: tuple[Any, ...] = row
    return Stranger(address=r[0], since=r[1], at=r[2], count=r[3], preview=r[4], refused=r[5] == "refused")


def get(read: Read, pid: int, address: str) -> SqlRow | None:
    """The row of one address."""
    return read.one(f"{SELECT} AND address=?", (pid, address))


def page(read: Read, pid: int, refused: bool, after: str | None, limit: int) -> list[Stranger]:
    """The last one first; ``after`` is a mark of ``mark_of``."""
    low, params = "", ()
    if after:
        at, _colon, address = after.partition(":")
        if not at.isdecimal() or len(at) > 18:
            raise invalid("after", _("“{}” is no mark of a page.").format(after[:80]))
        low, params = "AND (at, address) < (?,?)", (int(at), address)  # type: ignore[assignment]
    rows = read.all(
        f"{SELECT} AND state=? {low} ORDER BY at DESC, address DESC LIMIT {int(limit)}",
        (pid, "refused" if refused else "waiting", *params),
    )
    return [of_row(row) for row in rows]


def mark_of(stranger: Stranger) -> str:
    """Where a page ends."""
    return f"{stranger.at}:{stranger.address}"


def snapshot(read: Read, pid: int) -> Iterable[Item]:
    """What a new window gets: who waits."""
    rows = read.all(f"{SELECT} AND state='waiting' ORDER BY at DESC LIMIT {SHOWN}", (pid,))
    for row in rows:
        yield Item("stranger", str(row[0]), cast("int", row[6]), of_row(row))


def memory(read: Read, pid: int) -> Memory:
    """All that is known of a profile's strangers."""
    found = Memory()
    for row in read.all("SELECT address, state, count FROM stranger WHERE pid=? ORDER BY at", (pid,)):
        address, state = str(row[0]), row[1]
        if state == "waiting":
            found.waiting[address] = Waiting(cast("int", row[2]))
        else:
            (found.known if state == "known" else found.refused).add(address)
    return found


def beginning(text: str) -> str:
    """The first line that says something, at most 120 characters."""
    return next((line.strip()[:PREVIEW] for line in text.splitlines() if line.strip()), "")


def set_state(tx: Tx, address: str, state: str) -> None:
    """Somebody waits no longer: ``known`` or ``refused``."""
    row = get(tx, tx.pid, address)
    if row is not None and row[5] == state:
        return
    now = moment.now()
    old = of_row(row) if row is not None else Stranger(address=address, since=now, at=now, count=0)
    shown = Stranger(
        address=address, since=old.since, at=old.at, count=old.count, preview=old.preview, refused=True
    )
    was_shown = row is not None and row[5] != "known"
    rev = tx.next_seq()
    if state == "refused" or was_shown:
        rev = tx.change("stranger", address, shown if state == "refused" else None)
    preview = old.preview if state == "refused" else ""
    _write(tx, address, state, (old.since, old.at, old.count, preview, rev))
    if state == "refused":
        _crowded(tx, "refused", MOST_REFUSED)


def _write(tx: Tx, address: str, state: str, rest: tuple[int, int, int, str, int]) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO stranger (pid, address, state, since, at, count, preview, rev) "
        "VALUES (?,?,?,?,?,?,?,?)",
        (tx.pid, address, state, *rest),
    )


def _crowded(tx: Tx, state: str, most: int) -> None:
    rows = tx.all(
        f"SELECT address FROM stranger WHERE pid=? AND state=? ORDER BY at DESC LIMIT -1 OFFSET {most}",
        (tx.pid, state),
    )
    for row in rows:
        tx.execute("DELETE FROM stranger WHERE pid=? AND address=?", (tx.pid, row[0]))
        tx.change("stranger", str(row[0]), None)


class Inbox:
    """``BatchWork``: messages of strangers on their way into history, just before it."""

    def __init__(self, history: History) -> None:
        self._history = history

    def run(self, tx: Tx, items: list[object]) -> list[object]:
        """Count them; one change for each stranger."""
        news: dict[str, list[NewMessage]] = {}
        for new in cast("list[NewMessage]", items):
            news.setdefault(new.conversation, []).append(new)
        for address, messages in news.items():
            self._count(tx, address, messages)
        _crowded(tx, "waiting", MOST_WAITING)
        return [None] * len(items)

    def _count(self, tx: Tx, address: str, messages: list[NewMessage]) -> None:
        row = get(tx, tx.pid, address)
        if row is not None and row[5] != "waiting":
            return  # it was dealt with while this was on its way
        standing = self._history.standing(tx, messages)
        fresh = [new for new, stands in zip(messages, standing, strict=True) if stands is None]
        if not fresh:
            return
        moments = [new.at or moment.now() for new in fresh]
        if row is None:
            since, at, count, preview = min(moments), max(moments), 0, ""
        else:
            old = of_row(row)
            since, at = min(old.since, *moments), max(old.at, *moments)
            count, preview = old.count, old.preview
        preview = preview or beginning(fresh[0].body or fresh[0].subject)
        count = min(count + len(fresh), MOST_COUNTED)
        shown = Stranger(address=address, since=since, at=at, count=count, preview=preview)
        rev = tx.change("stranger", address, shown)
        _write(tx, address, "waiting", (since, at, count, preview, rev))
