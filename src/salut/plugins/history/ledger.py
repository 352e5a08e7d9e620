# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writing history: on the writer's thread, in transactions. Each message once, each in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from salut.api.ports import Tx
from salut.model import moment
from salut.model.errors import not_found
from salut.model.words import _
from salut.plugins.history import rows
from salut.plugins.history.api import (
    Conversation,
    Message,
    MessageState,
    NewMessage,
    Standing,
    StoredHook,
)
from salut.plugins.history.seen import Seen, Twin, find
from salut.plugins.history.tally import Tally, replace

STEP: Final = 4  # between live places: leaves known for a gap's bounds (place + 1, place - 1)
MAX_TITLE: Final = 200
RANK: Final[dict[str, int]] = {"failed": 0, "pending": 1, "sent": 2, "delivered": 3, "read": 4}


@dataclass(slots=True)
class Known:
    """A conversation as the writer remembers it. ``tally``: not yet part of ``shown``."""

    id: int
    shown: Conversation
    last: tuple[int, int]
    tally: Tally | None = None


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
        self.last = max(self.last, place)
        if (archive or not outgoing) and place >= self.floor:
            self.floor, self.at = place, at
        if archive and (place, sub) >= self.top:
            self.top, self.archive = (place, sub), archive


class Ledger:
    """Remembers what it wrote, to read little; forgets it when a transaction is taken back."""

    def __init__(self) -> None:
        self._conversations: dict[tuple[int, str], Known] = {}
        self._streams: dict[tuple[int, str], Stream] = {}
        self._next_id = 0
        self.title_of: Callable[[Tx, str], str] = lambda _tx, _address: ""
        self.stored_hooks: list[StoredHook] = []

    def rolled_back(self) -> None:
        """Forget: the store is the truth."""
        self._conversations.clear()
        self._streams.clear()
        self._next_id = 0

    def run(self, tx: Tx, items: list[object]) -> list[object]:
        """``BatchWork``: live messages."""
        return list(self.store(tx, cast("list[NewMessage]", items)))

    # Storing
    def store(self, tx: Tx, messages: Sequence[NewMessage]) -> list[Message | None]:
        """Store what is not there yet; ``None`` for what is."""
        if not self._next_id:
            row = tx.one("SELECT max(id) FROM message")
            self._next_id = int(cast("int", row[0] or 0)) + 1 if row else 1
        stored: list[Message | None] = []
        inserts: list[tuple[Any, ...]] = []
        there = self._seen(tx, messages)
        for new in messages:
            known = self.known(tx, new.conversation, new.conversation_kind)
            if there.is_there(known.id, new):
                stored.append(None)
                continue
            message = self._place(tx, known, new)
            there.note(known.id, new, message)
            seq = tx.change("message", str(message.id), message)
            inserts.append(self._row(tx, known, new, message, seq))
            stored.append(message)
        tx.many(rows.INSERT_MESSAGE, inserts)
        tx.many(rows.INSERT_TEXT, [(insert[0], insert[9]) for insert in inserts])
        told = [message for message in stored if message is not None]
        told += [self._learn(tx, twin, new) for twin, new in there.learnt]
        self.flush(tx)
        for hook in self.stored_hooks:
            hook(tx, told)
        return stored

    def _row(self, tx: Tx, known: Known, new: NewMessage, m: Message, seq: int) -> tuple[Any, ...]:
        return (
            m.id, tx.pid, known.id, m.place, m.sub, m.at, m.sender, m.outgoing, m.kind, m.body, m.subject, m.thread,
            m.state, m.error, m.origin, m.archive, m.mention, new.counts, new.markable, new.stream, seq,
        )  # fmt: skip

    def standing(self, tx: Tx, new: NewMessage) -> Standing | None:
        """Where a message from the archive stands, if it is there already."""
        known = self.known(tx, new.conversation, new.conversation_kind)
        twin = find(tx, known.id, new)
        if twin is None:
            return None
        return Standing(twin.place, twin.sub, twin.archive == new.archive != "")

    def _seen(self, tx: Tx, messages: Sequence[NewMessage]) -> Seen:
        """What the store holds of these messages, asked once for each conversation of the batch."""
        seen = Seen()
        by_conversation: dict[int, list[NewMessage]] = {}
        for new in messages:
            known = self.known(tx, new.conversation, new.conversation_kind)
            by_conversation.setdefault(known.id, []).append(new)
        for key, news in by_conversation.items():
            seen.load(tx, key, news)
        return seen

    def _learn(self, tx: Tx, twin: Twin, new: NewMessage) -> Message:
        """A known message came back from the archive or the server: it takes its archive id, and has arrived."""
        tx.execute(
            "UPDATE message SET archive=CASE archive WHEN '' THEN ? ELSE archive END, "
            "state=CASE state WHEN 'pending' THEN 'sent' ELSE state END WHERE id=?",
            (new.archive, twin.id),
        )
        if new.archive:
            self.stream(tx, new.stream).took(twin.place, twin.sub, twin.at, new.archive, twin.outgoing)
        return self._changed(tx, twin.id)

    def _changed(self, tx: Tx, key: int) -> Message:
        row = tx.one(f"{rows.MESSAGES} WHERE m.id=?", (key,))
        assert row is not None
        message = rows.message(row)
        tx.execute("UPDATE message SET rev=? WHERE id=?", (tx.next_seq(), key))
        tx.change("message", str(key), message)
        return message

    def _place(self, tx: Tx, known: Known, new: NewMessage) -> Message:
        stream = self.stream(tx, new.stream)
        at = new.at or moment.now()
        place, sub = new.place, new.sub
        if not place:
            place = max(at, stream.last + STEP)
            sub = 0
        stream.took(place, sub, at, new.archive, new.outgoing)
        message = Message(
            id=self._next_id,
            conversation=new.conversation,
            place=place,
            sub=sub,
            at=at,
            sender=new.sender,
            outgoing=new.outgoing,
            kind=new.kind,
            body=new.body,
            subject=new.subject,
            thread=new.thread,
            state=new.state,
            origin=new.origin,
            archive=new.archive,
            mention=new.mention,
        )
        self._next_id += 1
        self._count(known, message, new.counts)
        return message

    def _count(self, known: Known, message: Message, counts: bool) -> None:
        tally = known.tally
        if tally is None:
            tally = Tally.of(known.shown)
        where = (message.place, message.sub)
        if where >= known.last:
            known.last = where
            tally.newest = message
            known.tally = tally
        if where > tally.mark:
            if message.outgoing:
                if not tally.unread:
                    tally.mark = where
                    known.tally = tally
            elif counts:
                tally.unread += 1
                tally.mentions += message.mention
                known.tally = tally

    # What is remembered
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

    def _set_mark(self, tx: Tx, address: str, known: Known, place: int, sub: int) -> None:
        row = tx.one(
            "SELECT count(*), coalesce(sum(mention), 0) FROM message WHERE conv=? AND (place, sub) > (?,?) "
            "AND NOT outgoing AND counts",
            (known.id, place, sub),
        )
        unread, mentions = cast("tuple[int, int]", row)
        known.shown = replace(
            known.shown, {"read_place": place, "read_sub": sub, "unread": unread, "mentions": mentions}
        )
        self.write_conversation(tx, address, known)

    def _existing(self, tx: Tx, address: str) -> Known:
        if tx.one("SELECT 1 FROM conversation WHERE pid=? AND address=?", (tx.pid, address)) is None:
            raise not_found(_("There is no conversation with {}.").format(address[:80]))
        return self.known(tx, address, "contact")

    def _where(self, tx: Tx, known: Known, key: int) -> tuple[int, int]:
        row = tx.one("SELECT place, sub FROM message WHERE id=? AND conv=?", (key, known.id))
        if row is None:
            raise not_found(_("There is no message {} in this conversation.").format(key))
        return cast("tuple[int, int]", row)

    # States and titles
    def set_state(self, tx: Tx, origin: str, state: MessageState, error: str, by: str) -> Message | None:
        """Advance an own message's state; ``None`` where there is nothing to advance."""
        sql = (
            "SELECT m.id, m.state FROM message m JOIN conversation c ON c.id=m.conv "
            "WHERE m.pid=? AND m.origin=? AND m.origin<>'' AND m.outgoing"
        )
        row = tx.one(f"{sql} AND c.address=?", (tx.pid, origin, by)) if by else tx.one(sql, (tx.pid, origin))
        if row is None:
            return None
        now = str(row[1])
        if state == "failed":
            if now not in ("pending", "sent"):
                return None
        elif RANK[state] <= RANK.get(now, 0) or (state == "sent" and now == "failed"):
            return None  # an acknowledgement (XEP-0198) may come after the error that the message met
        tx.execute("UPDATE message SET state=?, error=? WHERE id=?", (state, error[:500], row[0]))
        return self._changed(tx, cast("int", row[0]))

    def set_title(self, tx: Tx, address: str, title: str) -> None:
        """Name a conversation that exists."""
        if tx.one("SELECT 1 FROM conversation WHERE pid=? AND address=?", (tx.pid, address)) is None:
            return
        known = self.known(tx, address, "contact")
        if known.shown.title != title[:MAX_TITLE]:
            known.shown = replace(known.shown, {"title": title[:MAX_TITLE]})
            self.write_conversation(tx, address, known)
