# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writing history: on the writer's thread, in transactions. Each message once, each in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from salut.api.ports import Tx
from salut.model import moment
from salut.plugins.history import deeds, fleeting, rows
from salut.plugins.history.acts import Author
from salut.plugins.history.api import (
    Message,
    MessageState,
    NewMessage,
    OwnAct,
    Standing,
    StoredHook,
)
from salut.plugins.history.conversations import Conversations, Known
from salut.plugins.history.effects import Effects
from salut.plugins.history.erasing import erase
from salut.plugins.history.seen import Seen, Twin, find
from salut.plugins.history.tally import Tally

STEP: Final = 4  # between live places: leaves known for a gap's bounds (place + 1, place - 1)
RANK: Final[dict[str, int]] = {"failed": 0, "pending": 1, "sent": 2, "delivered": 3, "read": 4}


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


class Ledger(Conversations):
    """Stores messages and what is done to them."""

    def __init__(self) -> None:
        super().__init__()
        self._next_id = 0
        self.effects = Effects(self)
        self.stored_hooks: list[StoredHook] = []

    def rolled_back(self) -> None:
        super().rolled_back()
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

    def own_act(self, tx: Tx, new: NewMessage, key: int) -> OwnAct:
        """What the person does to a message."""
        done = self.effects.own(tx, new, key)
        self.flush(tx)
        return done

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

    def erase(self, tx: Tx, address: str) -> None:
        """Delete a conversation and its messages."""
        self._conversations.pop((tx.pid, address), None)
        erase(tx, address)
