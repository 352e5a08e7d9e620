# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each message once: what of a batch the store holds already.

A message is known by its archive id (XEP-0359 stanza-id). Where that is missing on one side, by the id that its
sender gave it, together with sender and text: senders may use an id twice.

Servers may archive a message twice: ejabberd 23.01 does so with what it sends again when a session has died. Such a
pair has different archive ids. It is one message if the sender's id looks like a random one, sender and text are the
same, and the server itself says that it did not come just now (it was delayed, or lies in an archive).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from salut.api.ports import SqlRow, Tx
from salut.model import moment
from salut.plugins.history.api import Message, NewMessage

RANDOM = 8
"""Characters of an id that nobody gives twice by mistake; programs that count or use a fixed word have shorter ones."""
AGAIN = 900 * moment.SECOND
"""How long after a message its server may send it again: the time for which servers keep a dead session, and some."""
ARCHIVES = (
    "SELECT archive FROM message WHERE conv=? AND archive<>'' AND archive IN (SELECT value FROM json_each(?))"
)
ORIGINS = (
    "SELECT origin, id, archive, state, outgoing, sender, body, place, sub, at FROM message "
    "WHERE conv=? AND origin<>'' AND origin IN (SELECT value FROM json_each(?))"
)


# ``archive<>''`` and ``origin<>''`` look idle, but without them SQLite does not use the partial indexes
COLUMNS = "SELECT id, archive, state, outgoing, sender, body, place, sub, at FROM message"
BY_ARCHIVE = f"{COLUMNS} WHERE conv=? AND archive=? AND archive<>'' LIMIT 1"
BY_ORIGIN = f"{COLUMNS} WHERE conv=? AND origin=? AND origin<>'' ORDER BY id"


@dataclass(slots=True)
class Twin:
    """A stored message with the same origin id."""

    id: int
    archive: str
    state: str
    outgoing: bool
    sender: str
    body: str
    place: int
    sub: int
    at: int


def by_archive_alone(new: NewMessage) -> bool:
    """A live message of somebody else with an archive id, which the server does not call delayed: that id alone
    decides."""
    return bool(new.archive) and not (new.place or new.at or new.outgoing or new.perhaps_own)


def resent(twin: Twin, new: NewMessage) -> bool:
    """Whether a message with another archive id is the stored one, archived a second time."""
    return (
        len(new.origin) >= RANDOM
        and twin.body == new.body
        and twin.sender == new.sender
        and new.at > 0
        and abs(new.at - twin.at) <= AGAIN
    )


def same(twin: Twin, new: NewMessage) -> bool:
    """Whether a message with the origin id of a stored one is that one."""
    if new.outgoing or (new.perhaps_own and twin.outgoing):
        return twin.outgoing and (new.outgoing or twin.body == new.body)
    return not twin.outgoing and twin.sender == new.sender and twin.body == new.body


def find(tx: Tx, conversation: int, new: NewMessage) -> Twin | None:
    """The stored message that an archived one is: the one with its archive id, else one without an archive id that
    is the same by its origin."""
    if new.archive:
        row = tx.one(BY_ARCHIVE, (conversation, new.archive))
        if row is not None:
            return _twin(row)
    for row in tx.all(BY_ORIGIN, (conversation, new.origin)) if new.origin else ():
        twin = _twin(row)
        if same(twin, new) and not (twin.archive and new.archive):
            return twin
    return None


def _twin(row: SqlRow) -> Twin:
    return Twin(*cast("tuple[int, str, str, bool, str, str, int, int, int]", row))


def _stored(m: Message) -> Twin:
    return Twin(m.id, m.archive, m.state, m.outgoing, m.sender, m.body, m.place, m.sub, m.at)


@dataclass(slots=True)
class Seen:
    """What is known. ``fresh``: stored in this same batch. ``learnt``: stored messages that came back, and as what."""

    archives: set[tuple[int, str]] = field(default_factory=set)
    twins: dict[tuple[int, str], list[Twin]] = field(default_factory=dict)
    fresh: dict[tuple[int, str], list[Message]] = field(default_factory=dict)
    learnt: list[tuple[Twin, NewMessage]] = field(default_factory=list)

    def load(self, tx: Tx, conversation: int, news: Sequence[NewMessage]) -> None:
        """Ask the store about these messages of one conversation."""
        archives = [new.archive for new in news if new.archive]
        if archives:
            found = tx.all(ARCHIVES, (conversation, json.dumps(archives)))
            self.archives.update((conversation, str(row[0])) for row in found)
        origins = [new.origin for new in news if new.origin and not by_archive_alone(new)]
        if origins:
            for row in tx.all(ORIGINS, (conversation, json.dumps(origins))):
                origin, *rest = row
                self.twins.setdefault((conversation, str(origin)), []).append(_twin(tuple(rest)))

    def is_there(self, conversation: int, new: NewMessage) -> bool:
        """Whether the message is stored; a stored one may learn its archive id from this."""
        if new.archive and (conversation, new.archive) in self.archives:
            return True
        if not new.origin or by_archive_alone(new):
            return False
        mark = (conversation, new.origin)
        if mark in self.fresh:  # rare: a twin of each message that is stored would cost more than the rest
            self.twins.setdefault(mark, []).extend(map(_stored, self.fresh.pop(mark)))
        for twin in self.twins.get(mark, ()):
            if not same(twin, new):
                continue
            if new.archive and twin.archive and twin.archive != new.archive:
                if resent(twin, new):
                    return True
                continue
            if (new.archive and not twin.archive) or (new.state != "pending" and twin.state == "pending"):
                twin.archive = twin.archive or new.archive
                twin.state = "sent" if twin.outgoing else twin.state
                self.learnt.append((twin, new))
            return True
        return False

    def note(self, conversation: int, new: NewMessage, m: Message) -> None:
        """The message is stored now, in this same batch."""
        if new.archive:
            self.archives.add((conversation, new.archive))
        if new.origin:
            self.fresh.setdefault((conversation, new.origin), []).append(m)
