# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the writer remembers of conversations and of streams of messages, and where the read marks stand. On the
writer's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from salut.api.ports import Tx
from salut.model.errors import not_found
from salut.model.words import _
from salut.plugins.history import fleeting, rows
from salut.plugins.history.api import Conversation, Message
from salut.plugins.history.tally import Tally, replace

MAX_TITLE: Final = 200


@dataclass(slots=True)
class Known:
    """A conversation as the writer remembers it. ``tally``: not yet part of ``shown``. ``waiting``: acts whose
    messages are not there."""

    id: int
    shown: Conversation
    last: tuple[int, int]
    tally: Tally | None = None
    waiting: int = 0


@dataclass(slots=True)
class Stream:
    """Places given out in one stream of messages, and where a gap that opens now begins (``Newest``)."""

    last: int = 0
    floor: int = 0
    at: int = 0
    top: tuple[int, int] = (0, 0)  # place and sub of the newest archive id
    archive: str = ""
    dirty: bool = False

    def took(self, place: int, sub: int, at: int, archive: str, outgoing: bool) -> None:
        """A message stands there; ``archive``: its archive id, if known."""
        self.dirty = True
        if place > self.last:
            self.last = place
        if (archive or not outgoing) and place >= self.floor:
            self.floor, self.at = place, at
        if archive and (place, sub) >= self.top:
            self.top, self.archive = (place, sub), archive


class Conversations:
    """Remembers what it wrote, to read little; forgets it when a transaction is taken back."""

    def __init__(self) -> None:
        self._conversations: dict[tuple[int, str], Known] = {}
        self._streams: dict[tuple[int, str], Stream] = {}
        self.title_of: Callable[[Tx, str], str] = lambda _tx, _address: ""

    def rolled_back(self) -> None:
        """Forget: the store is the truth."""
        self._conversations.clear()
        self._streams.clear()

    def known(self, tx: Tx, address: str, kind: str) -> Known:
        """What is remembered of a conversation; it is made if it is new."""
        mark = (tx.pid, address)
        known = self._conversations.get(mark)
        if known is None:
            row = tx.one(
                f"SELECT {rows.CONVERSATION_COLUMNS}, id, last_place, last_sub FROM conversation "
                "WHERE pid=? AND address=?",
                mark,
            )
            if row is None:
                title = self.title_of(tx, address)[:MAX_TITLE] if kind == "contact" else ""
                tx.execute(
                    "INSERT INTO conversation (pid, address, kind, title) VALUES (?,?,?,?)",
                    (*mark, kind, title),
                )
                return self.known(tx, address, kind)
            key, place, sub = cast("tuple[int, int, int]", row[-3:])
            known = self._conversations[mark] = Known(key, rows.conversation(row), (place, sub))
            count = tx.one("SELECT count(*) FROM act WHERE conv=? AND message=0", (key,))
            known.waiting = cast("int", count[0]) if count else 0
        return known

    def stream(self, tx: Tx, name: str) -> Stream:
        """The stream of this name; made if it is new."""
        mark = (tx.pid, name)
        stream = self._streams.get(mark)
        if stream is None:
            row = tx.one(
                "SELECT last_place, floor_place, floor_at, top_place, top_sub, top_archive FROM stream "
                "WHERE pid=? AND name=?",
                mark,
            )
            stream = Stream()
            if row:
                last, floor, at, place, sub, archive = cast("tuple[int, int, int, int, int, str]", row)
                stream = Stream(last, floor, at, (place, sub), archive)
            self._streams[mark] = stream
        return stream

    def flush(self, tx: Tx) -> None:
        """Write conversations and streams that changed, one change for each."""
        for (pid, address), known in self._conversations.items():
            if known.tally is not None and pid == tx.pid:
                known.shown = known.tally.applied(known.shown)
                known.tally = None
                self.write_conversation(tx, address, known)
        for (pid, name), stream in self._streams.items():
            if stream.dirty and pid == tx.pid:
                stream.dirty = False
                tx.execute(
                    "INSERT OR REPLACE INTO stream (pid, name, last_place, floor_place, floor_at, top_place, top_sub, "
                    "top_archive) VALUES (?,?,?,?,?,?,?,?)",
                    (pid, name, stream.last, stream.floor, stream.at, *stream.top, stream.archive),
                )

    def write_conversation(self, tx: Tx, address: str, known: Known) -> Conversation:
        """Store a conversation and tell of it."""
        s = known.shown
        rev = tx.change("conversation", address, s)
        tx.execute(
            "UPDATE conversation SET title=?, unread=?, mentions=?, read_place=?, read_sub=?, last_place=?, "
            "last_sub=?, last_at=?, last_id=?, preview=?, preview_sender=?, preview_outgoing=?, rev=? WHERE id=?",
            (
                s.title, s.unread, s.mentions, s.read_place, s.read_sub, *known.last, s.last_at, s.last_id, s.preview,
                s.preview_sender, s.preview_outgoing, rev, known.id,
            ),
        )  # fmt: skip
        return s

    # Read marks
    def mark_read(self, tx: Tx, address: str, up_to: int | None) -> tuple[Conversation, Message | None]:
        """Move the mark forward; an older place is answered with what is in force.

        With it comes the newest message under the mark whose sender wants to know, if the mark moved over it.
        """
        known = self._existing(tx, address)
        place, sub = known.last if up_to is None else self._where(tx, known, up_to)
        if (place, sub) > (known.shown.read_place, known.shown.read_sub):
            old = (known.shown.read_place, known.shown.read_sub)
            self._set_mark(tx, address, known, place, sub)
            row = tx.one(
                f"{rows.MESSAGES} WHERE m.conv=? AND (m.place, m.sub) > (?,?) AND (m.place, m.sub) <= (?,?) "
                "AND NOT m.outgoing ORDER BY m.place DESC, m.sub DESC LIMIT 1",
                (known.id, *old, place, sub),
            )
            if row and tx.one("SELECT 1 FROM message WHERE id=? AND markable", (row[0],)):
                return known.shown, rows.message(row)
        return known.shown, None

    def read_up_to(self, tx: Tx, address: str, where: tuple[int, int]) -> None:
        """Move the mark of a conversation that exists forward to a place; without effect where it is beyond."""
        known = self._existing(tx, address)
        if where > (known.shown.read_place, known.shown.read_sub):
            self._set_mark(tx, address, known, *where)

    def mark_unread(self, tx: Tx, address: str, since: int) -> Conversation:
        """Move the mark back to just before a message."""
        known = self._existing(tx, address)
        place, sub = self._where(tx, known, since)
        row = tx.one(
            "SELECT place, sub FROM message WHERE conv=? AND (place, sub) < (?,?) "
            "ORDER BY place DESC, sub DESC LIMIT 1",
            (known.id, place, sub),
        )
        before = cast("tuple[int, int]", row) if row else (0, 0)
        self._set_mark(tx, address, known, *before)
        return known.shown

    def _unread(self, tx: Tx, known: Known, place: int, sub: int) -> tuple[int, int]:
        row = tx.one(
            "SELECT count(*), coalesce(sum(mention), 0) FROM message WHERE conv=? AND (place, sub) > (?,?) "
            "AND NOT outgoing AND counts",
            (known.id, place, sub),
        )
        return cast("tuple[int, int]", row)

    def _set_mark(self, tx: Tx, address: str, known: Known, place: int, sub: int) -> None:
        unread, mentions = self._unread(tx, known, place, sub)
        known.shown = replace(
            known.shown, {"read_place": place, "read_sub": sub, "unread": unread, "mentions": mentions}
        )
        self.write_conversation(tx, address, known)
        fleeting.were_read(tx, known.id, place, sub)

    def _existing(self, tx: Tx, address: str) -> Known:
        if tx.one("SELECT 1 FROM conversation WHERE pid=? AND address=?", (tx.pid, address)) is None:
            raise not_found(_("There is no conversation with {}.").format(address[:80]))
        return self.known(tx, address, "contact")

    def _where(self, tx: Tx, known: Known, key: int) -> tuple[int, int]:
        row = tx.one("SELECT place, sub FROM message WHERE id=? AND conv=?", (key, known.id))
        if row is None:
            raise not_found(_("There is no message {} in this conversation.").format(key))
        return cast("tuple[int, int]", row)

    def refresh(self, tx: Tx, known: Known) -> None:
        """Count a conversation's messages anew, and look which is the last."""
        before = known.shown
        if known.tally is not None:
            known.shown, known.tally = known.tally.applied(known.shown), None
        shown = known.shown
        row = tx.one(f"{rows.MESSAGES} WHERE m.conv=? ORDER BY m.place DESC, m.sub DESC LIMIT 1", (known.id,))
        tally = Tally(
            (shown.read_place, shown.read_sub), *self._unread(tx, known, shown.read_place, shown.read_sub)
        )
        if row is not None:
            tally.newest = rows.message(row)
            known.last = (tally.newest.place, tally.newest.sub)
        else:
            shown = replace(shown, {"preview": "", "preview_sender": "", "preview_outgoing": False})
        known.shown = tally.applied(shown)
        if known.shown != before or row is None:
            self.write_conversation(tx, shown.address, known)

    def set_title(self, tx: Tx, address: str, title: str) -> None:
        """Name a conversation that exists."""
        if tx.one("SELECT 1 FROM conversation WHERE pid=? AND address=?", (tx.pid, address)) is None:
            return
        known = self.known(tx, address, "contact")
        if known.shown.title != title[:MAX_TITLE]:
            known.shown = replace(known.shown, {"title": title[:MAX_TITLE]})
            self.write_conversation(tx, address, known)
