# SPDX-License-Identifier: AGPL-3.0-or-later
"""Acts on messages in the store, on the writer's thread.

An act whose target is not there waits for it: archives are read newest first. A correction that waits stands for
itself meanwhile (``orphan``), so that nothing is lost where its target never comes.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

import msgspec

from salut.api.ports import Read, SqlRow, SqlValue, Tx
from salut.plugins.history import acts, rows
from salut.plugins.history.acts import Author, Deed
from salut.plugins.history.api import ConversationKind, Message, NewMessage, OwnAct
from salut.plugins.history.content import Act, Content, Version

BASE: Final = "base"  # the row that keeps what was there before the first correction
MAX_ACTS: Final = 2_000  # on one message; those that come later are not kept
MAX_WAITING: Final = 5_000  # in one conversation

COLUMNS: Final = "id, kind, actor, sender, outgoing, place, sub, at, value, orphan, occupant, since, target"
OF_MESSAGE: Final = f"SELECT {COLUMNS} FROM act WHERE message=? AND message<>0"
WAITING: Final = f"SELECT {COLUMNS} FROM act WHERE conv=? AND target=? AND message=0"
TARGETS: Final = "SELECT id, sender, occupant, outgoing, at FROM message WHERE conv=?"
BY_ARCHIVE: Final = f"{TARGETS} AND archive=? AND archive<>''"
BY_ORIGIN: Final = f"{TARGETS} AND origin=? AND origin<>''"
BY_STANZA: Final = f"{TARGETS} AND stanza=? AND stanza<>''"


class Value(msgspec.Struct, omit_defaults=True):
    """The column ``value``."""

    act: Act | None = None
    content: Content | None = None


class Kept(NamedTuple):
    """A row of ``act``, as far as it matters when the act is met again."""

    id: int
    place: int
    sub: int
    message: int
    orphan: int
    archive: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Value).decode


class Target(NamedTuple):
    """A message that is acted on."""

    id: int
    author: Author
    at: int


def find(tx: Read, conversation: int, new: NewMessage) -> Kept | None:
    """The stored act that an archived or reflected one is."""
    assert new.act is not None
    sql = "SELECT id, place, sub, message, orphan, archive FROM act WHERE conv=?"
    if new.archive:
        row = tx.one(f"{sql} AND archive=? AND archive<>''", (conversation, new.archive))
        if row is not None:
            return Kept(*cast("tuple[int, int, int, int, int, str]", row))
    if new.origin:
        who = "outgoing" if new.outgoing or new.perhaps_own else "actor=?"
        more: tuple[SqlValue, ...] = () if new.outgoing or new.perhaps_own else (acts.identity(new),)
        row = tx.one(
            f"{sql} AND origin=? AND origin<>'' AND kind=? AND {who}",
            (conversation, new.origin, new.act.kind, *more),
        )
        if row is not None:
            return Kept(*cast("tuple[int, int, int, int, int, str]", row))
    return None


def target(tx: Read, conversation: int, kind: ConversationKind, room: str, new: NewMessage) -> Target | None:
    """The message that an act means, among those that its sender may act on; ``None``: it is not there.

    In rooms the id is the room's, which is unique, but for corrections (XEP-0308), which name the sender's. Of several
    messages with the same id of a sender's the newest is meant.
    """
    act = new.act
    assert act is not None
    actor = Author(new.sender, new.occupant, new.outgoing, new.since)
    found = candidates(tx, conversation, kind, act)
    able = [one for one in found if acts.may(act, actor, one.author, kind, room, one.at)]
    if not able or (len(able) > 1 and act.kind != "edit" and kind == "room"):
        return None  # an id that means several messages means none (C22)
    return max(able, key=lambda one: one.id)


def candidates(tx: Read, conversation: int, kind: ConversationKind, act: Act) -> list[Target]:
    """The messages that an act may mean by its id, whoever wrote them."""
    if kind == "room" and act.kind != "edit":
        found = tx.all(BY_ARCHIVE, (conversation, act.target))
        if found or act.kind == "moderate":
            return [_target(row) for row in found]
    if act.applied:
        return [_target(row) for row in tx.all(BY_ARCHIVE, (conversation, act.target))]
    found = tx.all(BY_ORIGIN, (conversation, act.target)) + tx.all(BY_STANZA, (conversation, act.target))
    return [_target(row) for row in found]


def _target(row: SqlRow) -> Target:
    key, sender, occupant, outgoing, at = cast("tuple[int, str, str, int, int]", row)
    return Target(key, Author(sender, occupant, bool(outgoing)), at)


def insert(tx: Tx, conversation: int, new: NewMessage, where: tuple[int, int, int], message: int) -> int:
    """Keep an act; ``where``: its place, sub and moment. Returns its row, 0 where there are too many already."""
    act = new.act
    assert act is not None
    limit, sql, key = (
        (MAX_ACTS, "message=? AND message<>0", message)
        if message
        else (MAX_WAITING, "conv=? AND message=0", conversation)
    )
    row = tx.one(f"SELECT count(*) FROM act WHERE {sql}", (key,))
    if row is not None and cast("int", row[0]) >= limit:
        return 0
    value = Value(act, acts.content_of(new) if act.kind == "edit" else None)
    return _insert(
        tx,
        {
            "conv": conversation,
            "message": message,
            "kind": act.kind,
            "target": act.target,
            "actor": acts.identity(new),
            "sender": new.sender if new.conversation_kind != "contact" else acts.bare(new.sender),
            "occupant": new.occupant,
            "since": new.since,
            "outgoing": new.outgoing,
            "place": where[0],
            "sub": where[1],
            "at": where[2],
            "origin": new.origin,
            "archive": new.archive,
            "state": "pending" if new.outgoing and new.state == "pending" else "",
            "value": _encode(value).decode(),
        },
    )


def await_reply(tx: Tx, conversation: int, message: Message, kind: ConversationKind) -> int:
    """Find the message that another one answers; remember the question where it is not there. Returns its id."""
    assert message.reply is not None
    act = Act(kind="react", target=message.reply.ref)
    found = candidates(tx, conversation, kind, act)
    if found:
        return max(one.id for one in found)
    _insert(tx, {"conv": conversation, "orphan": message.id, "kind": "reply", "target": message.reply.ref})
    return 0


def _insert(tx: Tx, values: dict[str, SqlValue]) -> int:
    row: dict[str, SqlValue] = dict.fromkeys(
        ("message", "orphan", "since", "outgoing", "place", "sub", "at"), 0
    )
    row |= dict.fromkeys(("actor", "sender", "occupant", "origin", "archive", "state", "value"), "")
    row |= {"pid": tx.pid, **values}
    return tx.execute(
        f"INSERT INTO act ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
    )


def keep_base(tx: Tx, conversation: int, message: Message) -> None:
    """Keep what a message says before its first correction."""
    if tx.one("SELECT 1 FROM act WHERE message=? AND message<>0 AND kind=?", (message.id, BASE)) is None:
        value = _encode(Value(None, rows.content(message))).decode()
        _insert(
            tx,
            {"conv": conversation, "message": message.id, "kind": BASE, "target": "", "at": message.at, "value": value},
        )  # fmt: skip


def keep_base_if_edited(tx: Tx, conversation: int, message: Message) -> None:
    """The same, where a correction is about to take effect."""
    if (
        tx.one("SELECT 1 FROM act WHERE message=? AND message<>0 AND kind='edit' LIMIT 1", (message.id,))
        is not None
    ):
        keep_base(tx, conversation, message)


def outcome(tx: Tx, message: Message) -> acts.Outcome:
    """What a message is after all that was done to it; its old texts are erased where it was retracted."""
    base, deeds = rows.content(message), []
    for row in tx.all(OF_MESSAGE, (message.id,)):
        kind, value = str(row[1]), str(row[8])
        read = _decode(value) if value else Value()
        if kind == BASE:
            base = read.content or base
        elif read.act is not None:
            deeds.append(_deed(row, read))
    result = acts.fold(base, deeds)
    if result.retraction is not None:
        tx.execute(
            "DELETE FROM act WHERE message=? AND message<>0 AND kind IN (?, 'edit')", (message.id, BASE)
        )
    return result


def _deed(row: SqlRow, value: Value) -> Deed:
    r: tuple[Any, ...] = row
    assert value.act is not None
    return Deed((r[5], r[6], r[0]), r[7], r[2], r[3], bool(r[4]), value.act, value.content)


class Waiting(NamedTuple):
    """An act whose target may have come."""

    id: int
    kind: str
    orphan: int
    actor: Author
    act: Act


def waiting(tx: Read, conversation: int, ids: tuple[str, ...]) -> list[Waiting]:
    """What waits for a message with one of these ids."""
    found: list[Waiting] = []
    for key in dict.fromkeys(ids):
        for row in tx.all(WAITING, (conversation, key)) if key else ():
            r: tuple[Any, ...] = row
            act = _decode(r[8]).act if r[8] else None
            author = Author(r[3], r[10], bool(r[4]), r[11])
            found.append(Waiting(r[0], r[1], r[9], author, act or Act(kind="react", target=key)))
    return found


def versions(read: Read, message: Message) -> list[Version]:
    """All texts of a message, oldest first."""
    found = []
    for row in read.all(f"{OF_MESSAGE} ORDER BY place, sub, id", (message.id,)):
        value = _decode(str(row[8])) if row[8] else Value()
        if value.content is not None:
            found.append(Version(at=cast("int", row[7]), body=value.content.body))
    return found or [Version(at=message.at, body=message.body)]


def pending(read: Read, pid: int) -> list[OwnAct]:
    """See ``History.pending_acts``."""
    found = read.all(
        f"SELECT {rows.MESSAGE_COLUMNS}, a.origin, a.value FROM act a JOIN message m ON m.id = a.message "
        "JOIN conversation c ON c.id = m.conv WHERE a.pid=? AND a.state='pending' AND a.message<>0 ORDER BY a.id",
        (pid,),
    )
    return [own(rows.message(row), str(row[-2]), str(row[-1])) for row in found]


def own(message: Message, origin: str, value: str) -> OwnAct:
    """An act of ours on a message, from its columns."""
    read = _decode(value)
    assert read.act is not None
    return OwnAct(origin=origin, message=message, act=read.act, content=read.content)


def encode(act: Act, content: Content | None) -> str:
    """The column ``value``."""
    return _encode(Value(act, content)).decode()
