# SPDX-License-Identifier: AGPL-3.0-or-later
"""Gaps in the store: opened, narrowed page by page, closed. On the writer's thread, in units of work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, cast

import msgspec

from salut.api.ports import Read, SqlRow, Tx
from salut.model import moment
from salut.plugins.archive.api import Gap, GapState
from salut.plugins.archive.places import FIRST_SUB, Entry, arrange
from salut.plugins.archive.query import Result, Results
from salut.plugins.history.api import History, Message, Standing

FIRST_QUOTA: Final = 100
"""Messages fetched unasked of an archive that was never read before."""

GRACE: Final = 60 * moment.SECOND
"""How long after its stamp a message may still appear in an archive."""

COLUMNS: Final = (
    "id, stream, after_id, before_id, low, cap, sub, first_id, since, until, fetched, quota, manual, state, "
    "error, rev"
)


class Row(msgspec.Struct):
    """A gap as it is stored. Places between ``low`` and ``cap`` (0: open) are its own; ``sub`` falls."""

    id: int
    stream: str
    after_id: str = ""
    before_id: str = ""
    low: int = 0
    cap: int = 0
    sub: int = FIRST_SUB
    first_id: int = 0
    since: int = 0
    until: int = 0
    fetched: int = 0
    quota: int = 0
    manual: bool = False
    state: GapState = "open"
    error: str = ""
    rev: int = 0

    def shown(self) -> Gap:
        """As windows see it."""
        return Gap(
            id=self.id,
            archive=self.stream,
            after=self.after_id,
            before=self.before_id,
            low=self.low,
            high=self.cap,
            since=self.since,
            until=self.until,
            fetched=self.fetched,
            manual=self.manual,
            state=self.state,
            error=self.error,
        )


def of_row(row: SqlRow) -> Row:
    """A row of ``COLUMNS``."""
    values: dict[str, Any] = dict(zip(Row.__struct_fields__, row, strict=True))
    values["manual"] = bool(values["manual"])
    return Row(**values)


def load(read: Read, pid: int, stream: str | None = None) -> list[Row]:
    """All gaps of a profile, newest first."""
    where, params = ("AND stream=?", (pid, stream)) if stream is not None else ("", (pid,))
    found = read.all(f"SELECT {COLUMNS} FROM archive_gap WHERE pid=? {where} ORDER BY id DESC", params)
    return [of_row(row) for row in found]


def find(read: Read, pid: int, key: int) -> Row | None:
    """One gap."""
    row = read.one(f"SELECT {COLUMNS} FROM archive_gap WHERE pid=? AND id=?", (pid, key))
    return of_row(row) if row is not None else None


def write(tx: Tx, row: Row) -> Row:
    """Store a gap (a new one has id 0) and tell of it."""
    if not row.id:
        found = tx.one("SELECT coalesce(max(id), 0) + 1 FROM archive_gap")
        row.id = cast("int", found[0]) if found else 1
    row.rev = tx.next_seq()
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    tx.execute(
        f"INSERT OR REPLACE INTO archive_gap (pid, {COLUMNS}) VALUES (?{',?' * len(values)})",
        (tx.pid, *values.values()),
    )
    tx.change("gap", str(row.id), row.shown())
    return row


def remove(tx: Tx, key: int) -> None:
    """The gap is filled."""
    tx.execute("DELETE FROM archive_gap WHERE pid=? AND id=?", (tx.pid, key))
    tx.change("gap", str(key), None)


def checked(read: Read, pid: int, stream: str) -> str:
    """The archive id up to which nothing can appear between others any more."""
    row = read.one("SELECT checked FROM archive_top WHERE pid=? AND stream=?", (pid, stream))
    return str(row[0]) if row is not None else ""


def set_state(tx: Tx, key: int, state: GapState, error: str = "") -> None:
    """Tell how it stands with a gap, if it is still there."""
    row = find(tx, tx.pid, key)
    if row is not None and (row.state, row.error) != (state, error):
        row.state, row.error = state, error[:500]
        write(tx, row)


class Keeper:
    """The units of work that need history."""

    def __init__(self, history: History) -> None:
        self._history = history

    def open(self, tx: Tx, stream: str, now: int) -> Row:
        """A session begins: what came since the last one may be missing from here on."""
        newest = self._history.newest(tx, stream)
        top = tx.one("SELECT archive, place FROM archive_top WHERE pid=? AND stream=?", (tx.pid, stream))
        after, first = newest.archive, top is None and not newest.place
        if top is not None and (top[1] == newest.place or not after):
            after = str(top[0])  # the newest in the archive need not be a message that history keeps
        for row in load(tx, tx.pid, stream):
            if row.state != "open":
                set_state(tx, row.id, "open")
        last = next(iter(load(tx, tx.pid, stream)), None)
        if last is not None and not last.before_id and not self._bound(tx, last):
            last.first_id, last.until = newest.last_id, now
            return write(tx, last)
        return write(
            tx,
            Row(
                0,
                stream,
                after_id=after,
                low=newest.place,
                first_id=newest.last_id,
                since=newest.at,
                until=now,
                quota=FIRST_QUOTA if first else 0,
            ),
        )

    def _bound(self, tx: Tx, row: Row) -> bool:
        """Nothing of the last gap was fetched. It ends where its session's first live message stands; true if
        there is one, else the gap goes on into the new session."""
        above = 0
        while (live := self._history.ceiling(tx, row.stream, row.first_id, above)) is not None:
            if live.archive:
                row.before_id, row.cap, row.until = live.archive, live.place - 1, live.at
                write(tx, row)
                return True
            above = live.place
        return False

    def keep(self, tx: Tx, key: int, page: Results, fresh: Collection[str] = ()) -> Row | None:
        """Store a page of a gap, and narrow or close the gap. ``None``: it is closed (or was).

        ``fresh``: archive ids of what the server delivered late just now: it counts as unread in any case.
        """
        row = find(tx, tx.pid, key)
        if row is None:
            return None
        items = page.items
        messages = [item.message for item in items if item.message is not None]
        where = iter(self._history.standing(tx, messages))
        standing = [next(where) if item.message is not None else None for item in items]
        reached = last_reached(items, standing, row)
        if row.quota or row.manual:  # what was there before us is no news
            news = row.until - GRACE if not row.before_id else moment.now()
            for item in items:
                if item.message is not None and item.id not in fresh and item.at < news:
                    item.message.counts = False
        self._store(tx, row, items[reached + 1 :], standing[reached + 1 :])
        if not row.before_id:
            self._top(tx, row, items)
        if reached >= 0 or page.complete or not items:
            remove(tx, row.id)
            return None
        row.before_id, row.until = items[0].id, items[0].at
        row.fetched += len(items)
        if row.quota and row.fetched >= row.quota:
            row.quota, row.manual, row.state = 0, True, "open"
        return write(tx, row)

    def _store(self, tx: Tx, row: Row, items: Sequence[Result], standing: Sequence[Standing | None]) -> None:
        pairs = [
            (item.message, stands)
            for item, stands in zip(items, standing, strict=True)
            if item.message is not None
        ]
        if not pairs:
            return
        entries = [
            Entry(m.at, stands.place if stands is not None else None, m.outgoing) for m, stands in pairs
        ]
        arranged = arrange(entries, row.low, self._cap(tx, row, entries))
        sub = row.sub - len(pairs)
        for number, (message, _stands) in enumerate(pairs):
            message.place, message.sub = arranged.places[number], sub + number
            message.stream = row.stream
        self._history.store(tx, [message for message, _stands in pairs])
        row.sub, row.cap = sub, arranged.cap or 0

    def _cap(self, tx: Tx, row: Row, entries: Sequence[Entry]) -> int | None:
        """Below the first live message that stands above all that the page shares with history."""
        if row.cap:
            return row.cap
        above = max((entry.known for entry in entries if entry.known is not None), default=row.low)
        live = self._history.ceiling(tx, row.stream, row.first_id, max(above, row.low))
        return live.place - 1 if live is not None else None

    def _top(self, tx: Tx, row: Row, items: Sequence[Result]) -> None:
        """Remember the newest archive id seen, and up to which place history agreed with it."""
        place = self._history.newest(tx, row.stream).place
        archive = items[-1].id if items else row.after_id
        tx.execute(
            "INSERT INTO archive_top (pid, stream, archive, place) VALUES (?,?,?,?) "
            "ON CONFLICT (pid, stream) DO UPDATE SET archive=excluded.archive, place=excluded.place",
            (tx.pid, row.stream, archive, place),
        )

    def heal(self, tx: Tx, stream: str, items: Sequence[Result]) -> int:
        """Store what an archive holds between messages that history has already. Returns how many.

        Servers may archive a message late, after they answered the question for the newest page, and hand it to
        a session that is dead already. ``items`` lie next to each other in the archive, up to its newest.
        """
        kept = [item.message for item in items if item.message is not None]
        standing = self._history.standing(tx, kept)
        known = [number for number, stands in enumerate(standing) if stands is not None and stands.sure]
        found = 0
        if known:
            span = slice(known[0], known[-1] + 1)  # before and behind, gaps and live messages have their say
            pairs = list(zip(kept[span], standing[span], strict=True))
            entries = [
                Entry(m.at, stands.place if stands is not None else None, m.outgoing) for m, stands in pairs
            ]
            for number, place in enumerate(arrange(entries, 0, None).places):
                kept[known[0] + number].stream = stream
                kept[known[0] + number].place, kept[known[0] + number].sub = place, FIRST_SUB + number
            found = sum(stored is not None for stored in self._history.store(tx, kept[span]))
        settled = [item.id for item in items if item.at <= items[-1].at - GRACE]
        if settled:
            sql = "UPDATE archive_top SET checked=? WHERE pid=? AND stream=?"
            tx.execute(sql, (settled[-1], tx.pid, stream))
        return found

    def older(self, tx: Tx, conversation: str, oldest: Message | None, page: Results) -> list[int]:
        """Store messages before the oldest known one of a conversation. Returns their ids."""
        cap, sub = None, FIRST_SUB
        if oldest is not None:
            cap, sub = (oldest.place, oldest.sub) if oldest.sub else (oldest.place - 1, FIRST_SUB)
        messages = [
            item.message
            for item in page.items
            if item.message is not None and item.message.conversation == conversation
        ]
        standing = self._history.standing(tx, messages)
        entries = [
            Entry(m.at, stands.place if stands is not None else None, m.outgoing)
            for m, stands in zip(messages, standing, strict=True)
        ]
        for number, place in enumerate(arrange(entries, 0, cap).places):
            message = messages[number]
            message.place, message.sub, message.counts = place, sub - len(messages) + number, False
            message.stream = conversation if message.kind == "groupchat" else ""
        return [stored.id for stored in self._history.store(tx, messages) if stored is not None]


def last_reached(items: Sequence[Result], standing: Sequence[Standing | None], row: Row) -> int:
    """The last of the page that lies before the gap (-1: none): what the gap begins after, or what history
    had by its archive id before the gap."""
    for number in range(len(items) - 1, -1, -1):
        stands = standing[number]
        before = stands is not None and stands.sure and stands.place <= row.low
        if before or (row.after_id and items[number].id == row.after_id):
            return number
    return -1
