# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writing history: on the writer's thread, in transactions. Each message once, each in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from salut.api.ports import Tx
from salut.model import moment
from salut.model.errors import not_found
from salut.model.words import _
from salut.plugins.history import deeds, fleeting, rows
from salut.plugins.history.acts import Author
from salut.plugins.history.api import (
    Conversation,
    Message,
    MessageState,
    NewMessage,
    OwnAct,
    Standing,
    StoredHook,
)
from salut.plugins.history.effects import Effects
from salut.plugins.history.erasing import erase
from salut.plugins.history.seen import Seen, Twin, find
from salut.plugins.history.tally import Tally, replace

STEP: Final = 4  # between live places: leaves known for a gap's bounds (place + 1, place - 1)
MAX_TITLE: Final = 200
RANK: Final[dict[str, int]] = {"failed": 0, "pending": 1, "sent": 2, "delivered": 3, "read": 4}


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


def is_rich(new: NewMessage) -> bool:
    """Whether a message holds more than text."""
    return bool(
        new.reply
        or new.attachments
        or new.references
        or new.encryption
        or new.unstyled
        or new.fleeting
        or new.reactions
        or new.edited_at
        or new.retraction
    )


class Ledger:
    """Remembers what it wrote, to read little; forgets it when a transaction is taken back."""

    def __init__(self) -> None:
        self._conversations: dict[tuple[int, str], Known] = {}
        self._streams: dict[tuple[int, str], Stream] = {}
        self._next_id = 0
        self.effects = Effects(self)
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
        """Store what is not there yet; ``None`` for what is, and for what acts on another message."""
        if any(new.act is not None for new in messages):
            stored = self._with_acts(tx, messages)
        else:
            stored = self.plain(tx, messages)
        self.flush(tx)
        for hook in self.stored_hooks:
            hook(tx, messages)
        return stored

    def _with_acts(self, tx: Tx, messages: Sequence[NewMessage]) -> list[Message | None]:
        """One run of messages after the other: an act may become a message, and has its place among them."""
        stored: list[Message | None] = []
        run: list[NewMessage] = []
        for new in messages:
            if new.act is None:
                run.append(new)
                continue
            run += [new] if new.act.applied else []
            stored += self.plain(tx, run) if run else []
            run = []
            message = self.effects.act(tx, new)
            if new.act.applied:
                message = stored.pop() or message
            stored.append(message)
        return stored + (self.plain(tx, run) if run else [])

    def plain(self, tx: Tx, messages: Sequence[NewMessage]) -> list[Message | None]:
        """Store messages that stand for themselves; ``flush`` tells of their conversations."""
        if not self._next_id:
            row = tx.one("SELECT max(id) FROM message")
            self._next_id = int(cast("int", row[0] or 0)) + 1 if row else 1
        stored: list[Message | None] = []
        inserts: list[tuple[Any, ...]] = []
        going: list[Message] = []
        homes = [self.known(tx, new.conversation, new.conversation_kind) for new in messages]
        there = self._seen(tx, messages, homes)
        for new, known in zip(messages, homes, strict=True):
            if there.is_there(known.id, new):
                stored.append(None)
                continue
            rich = is_rich(new)
            message = self._place(tx, known, new, rich)
            there.note(known.id, new, message)
            seq = tx.change("message", str(message.id), message)
            inserts.append(self._row(tx, known, new, message, seq, rows.extra_of(message) if rich else ""))
            stored.append(message)
            if rich and message.fleeting:
                going.append(message)
        tx.many(rows.INSERT_MESSAGE, inserts)
        if going:
            fleeting.stored(tx, going)
        apart = {one.id for one in going}
        tx.many(rows.INSERT_TEXT, [(row[0], row[9]) for row in inserts if row[0] not in apart])
        for twin, new in there.learnt:
            self._learn(tx, twin, new)
        for new, known, one in zip(messages, homes, stored, strict=True):
            if one is not None and (known.waiting or new.reply is not None):
                self._stands(tx, known, new, one)
        return stored

    def _stands(self, tx: Tx, known: Known, new: NewMessage, message: Message) -> None:
        """A message is stored: what waited for it, and what it waits for."""
        if new.reply is not None:
            self.effects.reply(tx, known, message)
        author = Author(new.sender, new.occupant, new.outgoing)
        self.effects.arrived(tx, known, message, new.stanza, author)

    def _row(
        self, tx: Tx, known: Known, new: NewMessage, m: Message, seq: int, extra: str
    ) -> tuple[Any, ...]:
        return (
            m.id, tx.pid, known.id, m.place, m.sub, m.at, m.sender, m.outgoing, m.kind, m.body, m.subject, m.thread,
            m.state, m.error, m.origin, m.archive, m.mention, new.counts, new.markable, new.stream, seq, new.occupant,
            new.stanza, extra,
        )  # fmt: skip

    def standing(self, tx: Tx, new: NewMessage) -> Standing | None:
        """Where a message from the archive stands, if it is there already."""
        known = self.known(tx, new.conversation, new.conversation_kind)
        if new.act is not None and not new.act.applied:
            kept = deeds.find(tx, known.id, new)
            return Standing(kept.place, kept.sub, kept.archive == new.archive != "") if kept else None
        twin = find(tx, known.id, new)
        if twin is None:
            return None
        return Standing(twin.place, twin.sub, twin.archive == new.archive != "")

    def _seen(self, tx: Tx, messages: Sequence[NewMessage], homes: Sequence[Known]) -> Seen:
        """What the store holds of these messages, asked once for each conversation of the batch."""
        seen = Seen()
        by_conversation: dict[int, list[NewMessage]] = {}
        for new, known in zip(messages, homes, strict=True):
            by_conversation.setdefault(known.id, []).append(new)
        for key, news in by_conversation.items():
            seen.load(tx, key, news)
        return seen

    def _learn(self, tx: Tx, twin: Twin, new: NewMessage) -> None:
        """A known message came back from the archive or the server: it takes its archive id, and has arrived."""
        tx.execute(
            "UPDATE message SET archive=CASE archive WHEN '' THEN ? ELSE archive END, "
            "state=CASE state WHEN 'pending' THEN 'sent' ELSE state END WHERE id=?",
            (new.archive, twin.id),
        )
        if new.archive:
            self.stream(tx, new.stream).took(twin.place, twin.sub, twin.at, new.archive, twin.outgoing)
        message = self._changed(tx, twin.id)
        known = self._conversations[tx.pid, new.conversation]
        if known.waiting and new.archive:
            author = Author(twin.sender, new.occupant, twin.outgoing)
            self.effects.arrived(tx, known, message, new.stanza, author)

    def _changed(self, tx: Tx, key: int) -> Message:
        row = tx.one(f"{rows.MESSAGES} WHERE m.id=?", (key,))
        assert row is not None
        message = rows.message(row)
        tx.execute("UPDATE message SET rev=? WHERE id=?", (tx.next_seq(), key))
        tx.change("message", str(key), message)
        return message

    def placed(self, tx: Tx, new: NewMessage) -> tuple[int, int, int]:
        """Place, sub and moment of what is stored next."""
        stream = self.stream(tx, new.stream)
        at = new.at or moment.now()
        place, sub = new.place, new.sub
        if not place:
            place = max(at, stream.last + STEP)
            sub = 0
        stream.took(place, sub, at, new.archive, new.outgoing)
        return place, sub, at

    def _place(self, tx: Tx, known: Known, new: NewMessage, rich: bool) -> Message:
        place, sub, at = self.placed(tx, new)
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
            error=new.error,
            origin=new.origin,
            archive=new.archive,
            mention=new.mention,
        )
        if rich:
            message = msgspec.structs.replace(
                message,
                reply=new.reply,
                attachments=new.attachments,
                references=new.references,
                encryption=new.encryption,
                unstyled=new.unstyled,
                fleeting=new.fleeting,
                edited_at=new.edited_at,
                retraction=new.retraction,
                reactions=new.reactions,
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

    def own_act(self, tx: Tx, new: NewMessage, key: int) -> OwnAct:
        """What the person does to a message."""
        done = self.effects.own(tx, new, key)
        self.flush(tx)
        return done

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

    # States and titles
    def set_state(self, tx: Tx, origin: str, state: MessageState, error: str, by: str) -> Message | None:
        """Advance an own message's state; ``None`` where there is nothing to advance."""
        sql = (
            "SELECT m.id, m.state FROM message m JOIN conversation c ON c.id=m.conv "
            "WHERE m.pid=? AND m.origin=? AND m.origin<>'' AND m.outgoing"
        )
        row = tx.one(f"{sql} AND c.address=?", (tx.pid, origin, by)) if by else tx.one(sql, (tx.pid, origin))
        if row is None:
            return self.effects.set_state(tx, origin, state, error, by)
        now = str(row[1])
        if state == "failed":
            if now not in ("pending", "sent"):
                return None
        elif RANK[state] <= RANK.get(now, 0) or (state == "sent" and now == "failed"):
            return None  # an acknowledgement (XEP-0198) may come after the error that the message met
        tx.execute("UPDATE message SET state=?, error=? WHERE id=?", (state, error[:500], row[0]))
        return self._changed(tx, cast("int", row[0]))

    # What acts on messages changes more than them
    def remove(self, tx: Tx, known: Known, key: int) -> None:
        """Take a message away: what it says is shown in another one now."""
        row = tx.one("SELECT body, fleeting FROM message WHERE id=? AND conv=?", (key, known.id))
        if row is not None:
            if not row[1]:
                tx.execute(
                    "INSERT INTO message_text (message_text, rowid, body) VALUES ('delete', ?, ?)",
                    (key, row[0]),
                )
            tx.execute("DELETE FROM message WHERE id=?", (key,))
            tx.change("message", str(key), None)
            self.refresh(tx, known)

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

    def erase(self, tx: Tx, address: str) -> None:
        """Delete a conversation and its messages."""
        self._conversations.pop((tx.pid, address), None)
        erase(tx, address)
