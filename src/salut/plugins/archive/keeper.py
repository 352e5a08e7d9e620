# SPDX-License-Identifier: AGPL-3.0-or-later
"""Gaps are opened, narrowed page by page, closed. On the writer's thread, in units of work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from salut.api.ports import Tx
from salut.model import moment
from salut.plugins.archive import gaps as table
from salut.plugins.archive import heads
from salut.plugins.archive.gaps import Row
from salut.plugins.archive.heads import HeadRow
from salut.plugins.archive.places import FIRST_SUB, Entry, arrange
from salut.plugins.archive.query import Result, Results
from salut.plugins.history.api import History, Message, NewMessage, Standing

FIRST_QUOTA: Final = 100
"""Messages fetched unasked of an archive that was never read before."""

GRACE: Final = 60 * moment.SECOND
"""How long after its stamp a message may still appear in an archive."""


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
        for row in table.load(tx, tx.pid, stream):
            if row.state != "open":
                table.set_state(tx, row.id, "open")
        last = next(iter(table.load(tx, tx.pid, stream)), None)
        if last is not None and not last.before_id and not self._bound(tx, last):
            last.first_id, last.until = newest.last_id, now
            return table.write(tx, last)
        return table.write(
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
                table.write(tx, row)
                return True
            above = live.place
        return False

    def keep(self, tx: Tx, key: int, page: Results, fresh: Collection[str] = ()) -> Row | None:
        """Store a page of a gap, and narrow or close the gap. ``None``: it is closed (or was).

        ``fresh``: archive ids of what the server delivered late just now: it counts as unread in any case.
        """
        row = table.find(tx, tx.pid, key)
        if row is None:
            return None
        items = page.items
        standing = self._standing(tx, items)
        reached = last_reached(items, standing, row)
        self._old_news(row, items, fresh)
        cap, _ids = self._store(tx, row, items[reached + 1 :], standing[reached + 1 :], row.cap)
        row.cap = cap or 0
        if not row.before_id:
            self._top(tx, row, items)
        if reached >= 0 or page.complete or not items:
            table.remove(tx, row.id)
            return None
        row.before_id, row.until = items[0].id, items[0].at
        row.fetched += len(items)
        if row.quota and row.fetched >= row.quota:
            row.quota, row.manual, row.state = 0, True, "open"
        return table.write(tx, row)

    def keep_head(
        self, tx: Tx, key: int, conversation: str, page: Results, fresh: Collection[str] = ()
    ) -> tuple[HeadRow | None, list[int]]:
        """Store the newest that is missing of one conversation inside a gap whose own newest page is there.

        ``page`` is of this conversation alone: the newest of it before the gap's end, or before its head's.
        Returns the head (``None``: the gap is closed, so nothing is missing) and the new messages' ids.
        Pages of the gap that come later find these messages there. One conversation is always stored from the
        newest to the oldest, by pages or by its head, so both may share the counter ``sub``.
        """
        row = table.find(tx, tx.pid, key)
        if row is None or not row.before_id:
            return None, []
        head = heads.find(tx, tx.pid, key, conversation) or HeadRow(key, conversation, row.before_id, row.cap)
        items = [
            item for item in page.items if item.message is None or item.message.conversation == conversation
        ]
        standing = self._standing(tx, items)
        above = first_above(standing, row)
        items, standing = items[:above], standing[:above]
        reached = last_reached(items, standing, row)
        self._old_news(row, items, fresh)
        cap = min(place for place in (row.cap, head.place, 1 << 62) if place)
        low, ids = self._store(tx, row, items[reached + 1 :], standing[reached + 1 :], cap)
        head.place, head.whole = low or head.place, reached >= 0 or page.complete
        if page.items:
            head.before_id = page.items[0].id
        if page.items or page.complete:
            heads.write(tx, head)
            table.write(tx, row)
        return head, ids

    def _standing(self, tx: Tx, items: Sequence[Result]) -> list[Standing | None]:
        messages = [item.message for item in items if item.message is not None]
        where = iter(self._history.standing(tx, messages))
        return [next(where) if item.message is not None else None for item in items]

    def _old_news(self, row: Row, items: Sequence[Result], fresh: Collection[str]) -> None:
        """What was there before us is no news."""
        if not row.quota and not row.manual:
            return
        news = row.until - GRACE if not row.before_id else moment.now()
        for item in items:
            if item.message is not None and item.id not in fresh and item.at < news:
                item.message.counts = False

    def _store(
        self, tx: Tx, row: Row, items: Sequence[Result], standing: Sequence[Standing | None], cap: int
    ) -> tuple[int | None, list[int]]:
        """Below ``cap`` (0: what lives stands above). Returns the cap of what is older, and the new ids."""
        pairs = [
            (item.message, stands)
            for item, stands in zip(items, standing, strict=True)
            if item.message is not None
        ]
        if not pairs:
            return cap, []
        entries = [entry(message, stands) for message, stands in pairs]
        arranged = arrange(entries, row.low, cap or self._cap(tx, row, entries))
        row.sub -= len(pairs)
        for number, (message, _stands) in enumerate(pairs):
            message.place, message.sub = arranged.places[number], row.sub + number
            message.stream = row.stream
        stored = self._history.store(tx, [message for message, _stands in pairs])
        return arranged.cap, [message.id for message in stored if message is not None]

    def _cap(self, tx: Tx, row: Row, entries: Sequence[Entry]) -> int | None:
        """Below the first live message that stands above all that the page shares with history."""
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
            entries = [entry(message, stands) for message, stands in pairs]
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
        entries = [entry(message, stands) for message, stands in zip(messages, standing, strict=True)]
        for number, place in enumerate(arrange(entries, 0, cap).places):
            message = messages[number]
            message.place, message.sub, message.counts = place, sub - len(messages) + number, False
            message.stream = conversation if message.kind == "groupchat" else ""
        return [stored.id for stored in self._history.store(tx, messages) if stored is not None]


def entry(message: NewMessage, stands: Standing | None) -> Entry:
    """What decides its place. ``sub`` is that of messages which an archive has placed."""
    if stands is None:
        return Entry(message.at, None, message.outgoing)
    return Entry(message.at, stands.place, message.outgoing and not stands.sub)


def first_above(standing: Sequence[Standing | None], row: Row) -> int:
    """The first of the page that stands above the gap: it and what follows is live, or comes live in a moment."""
    for number, stands in enumerate(standing):
        if stands is not None and stands.sure and row.cap and stands.place > row.cap:
            return number
    return len(standing)


def last_reached(items: Sequence[Result], standing: Sequence[Standing | None], row: Row) -> int:
    """The last of the page that lies before the gap (-1: none): what the gap begins after, or what history
    had by its archive id before the gap."""
    for number in range(len(items) - 1, -1, -1):
        stands = standing[number]
        before = stands is not None and stands.sure and stands.place <= row.low
        if before or (row.after_id and items[number].id == row.after_id):
            return number
    return -1
