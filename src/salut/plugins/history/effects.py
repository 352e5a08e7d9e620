# SPDX-License-Identifier: AGPL-3.0-or-later
"""Acts take effect: on the writer's thread, in the transaction in which the act or its target is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from salut.api.ports import Tx
from salut.model.errors import SalutError, not_found
from salut.model.words import _
from salut.plugins.history import acts, deeds, rows
from salut.plugins.history.acts import Author
from salut.plugins.history.api import Message, MessageState, NewMessage, OwnAct
from salut.plugins.history.deeds import Kept, Waiting

if TYPE_CHECKING:
    from salut.plugins.history.conversations import Known
    from salut.plugins.history.ledger import Ledger


class Effects:
    """Works on what the ledger holds."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    # From others, from the archive, from our other devices
    def act(self, tx: Tx, new: NewMessage) -> Message | None:
        """Store an act and let it take effect; the message that stands for it, where its target is not there."""
        assert new.act is not None
        new.act = acts.bounded(new.act)
        if new.act.applied:  # what the archive holds in its place names no other
            new.act = msgspec.structs.replace(new.act, target=new.archive)
        known = self._ledger.known(tx, new.conversation, new.conversation_kind)
        kept = deeds.find(tx, known.id, new)
        if kept is not None:
            self._again(tx, kept, new)
            return None
        found = deeds.target(tx, known.id, new.conversation_kind, new.conversation, new)
        if found is not None:
            row = deeds.insert(tx, known.id, new, self._ledger.placed(tx, new), found.id)
            if row:
                self._apply(tx, known, found.id)
            return None
        forbidden = bool(deeds.candidates(tx, known.id, new.conversation_kind, new.act))
        if new.act.kind == "edit":
            return self._orphan(tx, known, new, forbidden)
        if not forbidden and deeds.insert(tx, known.id, new, self._ledger.placed(tx, new), 0):
            known.waiting += 1
        return None

    def _orphan(self, tx: Tx, known: Known, new: NewMessage, forbidden: bool) -> Message | None:
        """A correction without its message is a message (XEP-0308), until that comes. One that its sender may not
        make stays one."""
        plain = msgspec.structs.replace(new, act=None)
        (message,) = self._ledger.plain(tx, [plain])
        if message is not None and not forbidden:
            row = deeds.insert(tx, known.id, new, (message.place, message.sub, message.at), 0)
            tx.execute("UPDATE act SET orphan=? WHERE id=?", (message.id, row))
            known.waiting += 1
        return message

    def _again(self, tx: Tx, kept: Kept, new: NewMessage) -> None:
        """A known act came back from the archive or the room: it has arrived."""
        tx.execute(
            "UPDATE act SET archive=CASE archive WHEN '' THEN ? ELSE archive END, state='' WHERE id=?",
            (new.archive, kept.id),
        )
        if new.archive and not kept.archive:
            at = new.at or kept.place
            self._ledger.stream(tx, new.stream).took(kept.place, kept.sub, at, new.archive, new.outgoing)
        if kept.orphan:
            self._ledger.plain(tx, [msgspec.structs.replace(new, act=None)])

    def arrived(self, tx: Tx, known: Known, message: Message, stanza: str, author: Author) -> None:
        """A message is there, or has got its archive id: what waited for it takes effect."""
        ids = (message.archive, message.origin, stanza)
        touched = False
        for found in deeds.waiting(tx, known.id, ids):
            if found.kind == "reply":
                self._answered(tx, known, found, message)
            elif self._fits(known, found, message, author):
                touched = True
                tx.execute("UPDATE act SET message=?, orphan=0 WHERE id=?", (message.id, found.id))
                if found.orphan:
                    self._ledger.remove(tx, known, found.orphan)
                known.waiting -= 1
            elif found.kind != "moderate":
                tx.execute("DELETE FROM act WHERE id=?", (found.id,))
                known.waiting -= 1
        if touched:
            self._apply(tx, known, message.id)

    def _fits(self, known: Known, found: Waiting, message: Message, author: Author) -> bool:
        shown = known.shown
        by_room_id = shown.kind == "room" and found.kind != "edit" and bool(message.archive)
        if by_room_id and found.act.target != message.archive:
            return False
        return acts.may(found.act, found.actor, author, shown.kind, shown.address, message.at)

    def _answered(self, tx: Tx, known: Known, found: Waiting, message: Message) -> None:
        tx.execute("DELETE FROM act WHERE id=?", (found.id,))
        known.waiting -= 1
        answer = self._message(tx, found.orphan)
        if answer is not None and answer.reply is not None:
            reply = msgspec.structs.replace(answer.reply, message=message.id)
            self._write(tx, answer, msgspec.structs.replace(answer, reply=reply))

    def reply(self, tx: Tx, known: Known, message: Message) -> None:
        """A message that answers another one is stored: find that, or wait for it."""
        key = deeds.await_reply(tx, known.id, message, known.shown.kind)
        if not key:
            known.waiting += 1
            return
        assert message.reply is not None
        reply = msgspec.structs.replace(message.reply, message=key)
        self._write(tx, message, msgspec.structs.replace(message, reply=reply))

    # From the person
    def own(self, tx: Tx, new: NewMessage, key: int) -> OwnAct:
        """Do something to message ``key``, pending."""
        assert new.act is not None
        known = self._ledger.known(tx, new.conversation, new.conversation_kind)
        row = tx.one(
            "SELECT sender, occupant, outgoing, at FROM message WHERE id=? AND conv=?", (key, known.id)
        )
        if row is None:
            raise not_found(_("There is no message {}.").format(key))
        sender, occupant, outgoing, at = cast("tuple[str, str, int, int]", row)
        actor = Author(new.sender, new.occupant, True)
        author = Author(sender, occupant, bool(outgoing))
        if not acts.may(new.act, actor, author, new.conversation_kind, new.conversation, at):
            raise SalutError("refused", _("Only who wrote a message may correct it or take it back."))
        if deeds.find(tx, known.id, new) is None:  # the same op comes a second time after a lost answer
            if not deeds.insert(tx, known.id, new, self._ledger.placed(tx, new), key):
                raise SalutError("too-large", _("Too much was done to this message already."))
            self._apply(tx, known, key)
        message = self._message(tx, key)
        assert message is not None
        content = acts.content_of(new) if new.act.kind == "edit" else None
        return OwnAct(origin=new.origin, message=message, act=new.act, content=content)

    def set_state(self, tx: Tx, origin: str, state: MessageState, error: str, by: str) -> Message | None:
        """An act of ours got to the server, or was refused: then it is undone, and its message says why."""
        sql = (
            "SELECT a.id, a.message, c.address, c.kind FROM act a JOIN conversation c ON c.id=a.conv "
            "WHERE a.pid=? AND a.origin=? AND a.origin<>'' AND a.outgoing AND a.message<>0"
        )
        row = tx.one(f"{sql} AND c.address=?", (tx.pid, origin, by)) if by else tx.one(sql, (tx.pid, origin))
        if row is None:
            return None
        key, message, address, kind = cast("tuple[int, int, str, str]", row)
        if state == "failed":
            tx.execute("DELETE FROM act WHERE id=?", (key,))
            tx.execute("UPDATE message SET error=? WHERE id=?", (error[:500], message))
            self._apply(tx, self._ledger.known(tx, address, kind), message, always=True)
        else:
            tx.execute("UPDATE act SET state='' WHERE id=?", (key,))
        return self._message(tx, message)

    # Both
    def _message(self, tx: Tx, key: int) -> Message | None:
        row = tx.one(f"{rows.MESSAGES} WHERE m.id=?", (key,))
        return rows.message(row) if row is not None else None

    def _apply(self, tx: Tx, known: Known, key: int, *, always: bool = False) -> None:
        """Make a message what it is after all that was done to it."""
        message = self._message(tx, key)
        assert message is not None
        deeds.keep_base_if_edited(tx, known.id, message)
        result = deeds.outcome(tx, message)
        values: dict[str, Any] = msgspec.structs.asdict(result.content)
        values |= {
            "edited_at": result.edited_at,
            "retraction": result.retraction,
            "reactions": [*result.reactions],
        }
        reply = result.content.reply
        if reply is not None and message.reply is not None and reply.ref == message.reply.ref:
            values["reply"] = message.reply  # which knows where in history that is
        now = msgspec.structs.replace(message, **values)
        if now == message and not always:
            return
        self._write(tx, message, now)
        if (now.body, now.mention, now.retraction) != (message.body, message.mention, message.retraction):
            self._ledger.refresh(tx, known)

    def _write(self, tx: Tx, old: Message, now: Message) -> None:
        rev = tx.change("message", str(now.id), now)
        tx.execute(
            "UPDATE message SET body=?, subject=?, mention=?, extra=?, rev=?, "
            "counts=CASE WHEN ? THEN 0 ELSE counts END WHERE id=?",
            (now.body, now.subject, now.mention, rows.extra_of(now), rev, now.retraction is not None, now.id),
        )
        if now.body != old.body and not old.fleeting:
            tx.execute(
                "INSERT INTO message_text (message_text, rowid, body) VALUES ('delete', ?, ?)",
                (old.id, old.body),
            )
            tx.execute(rows.INSERT_TEXT, (now.id, now.body))
