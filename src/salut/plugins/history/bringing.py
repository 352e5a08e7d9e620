# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages from elsewhere (an import): known again without a common id, by what they say, who says it and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from salut.api.ports import Read, SqlParams, SqlRow, Tx
from salut.model import moment
from salut.plugins.history import rows
from salut.plugins.history.api import Conversation, Message, NewMessage, Pointer
from salut.plugins.history.ledger import Ledger

NEAR: Final = 64  # stored messages that are compared with one that comes
SAME_CLOCK: Final = moment.SECOND  # two that came on the same road had the same clock, cut to seconds at most
COLUMNS: Final = "id, at, stream, sender, outgoing, origin, archive"
AROUND: Final = (
    f"SELECT {COLUMNS} FROM message WHERE conv=? AND place BETWEEN ? AND ? AND id<=? AND body=? LIMIT {NEAR}"
)


def messages(
    ledger: Ledger, tx: Tx, new: Sequence[NewMessage], mark: int, within: int
) -> list[Message | None]:
    """See ``History.bring``."""
    taken: set[int] = set()
    old: set[int] = set()  # conversations that hold something from before
    seen: set[int] = set()
    there = []
    for one in new:
        conv = ledger.known(tx, one.conversation, one.conversation_kind).id
        if conv not in seen:
            seen.add(conv)
            if tx.one("SELECT 1 FROM message WHERE conv=? AND id<=? LIMIT 1", (conv, mark)):
                old.add(conv)
        twin = _twin(tx, conv, one, mark, within, taken) if conv in old else None
        if twin is not None:
            taken.add(twin)
        there.append(twin is not None)
    stored = iter(ledger.store(tx, [one for one, known in zip(new, there, strict=True) if not known]))
    return [None if known else next(stored) for known in there]


def _twin(tx: Tx, conv: int, new: NewMessage, mark: int, within: int, taken: set[int]) -> int | None:
    """The stored message that is most likely this one; what has an id in common is left to ``store``."""
    best, distance = None, within + 1
    for row in tx.all(AROUND, (conv, new.at - within, new.at + within, mark, new.body)):
        key, at, stream = cast("tuple[int, int, str]", row[:3])
        apart = abs(at - new.at)
        near = apart < distance and (stream != new.stream or apart < SAME_CLOCK)
        if near and key not in taken and _alike(row, new):
            best, distance = key, apart
    return best


def _alike(row: SqlRow, new: NewMessage) -> bool:
    r: tuple[Any, ...] = row
    sender, outgoing, origin, archive = r[3:]
    if (archive and new.archive and archive != new.archive) or (
        origin and new.origin and origin != new.origin and not (archive and archive == new.archive)
    ):
        return False
    if new.kind in ("groupchat", "private"):
        return str(sender) == new.sender or (bool(outgoing) and new.outgoing)
    if bool(outgoing) != new.outgoing:
        return False
    return new.outgoing or str(sender).partition("/")[0] == new.sender.partition("/")[0]


def conversation(ledger: Ledger, tx: Tx, new: Conversation) -> None:
    """See ``History.bring_conversation``."""
    known = ledger.known(tx, new.address, new.kind)
    if new.title and not known.shown.title:
        ledger.set_title(tx, new.address, new.title)
    ledger.read_up_to(tx, new.address, (new.read_place, new.read_sub))


def pointer(read: Read, pid: int, message: int) -> Pointer | None:
    """See ``History.pointer``."""
    row = read.one(f"{rows.MESSAGES} WHERE m.id=? AND m.pid=?", (message, pid))
    if row is None:
        return None
    m = rows.message(row)
    return Pointer(conversation=m.conversation, at=m.at, sender=m.sender, origin=m.origin, archive=m.archive)


def pointed(read: Read, pid: int, named: Pointer) -> Message | None:
    """See ``History.pointed``."""
    found = read.one("SELECT id FROM conversation WHERE pid=? AND address=?", (pid, named.conversation))
    if found is None:
        return None
    conv = found[0]
    ways: list[tuple[str, SqlParams]] = []
    if named.archive:
        ways.append(
            ("m.conv=? AND m.archive=? AND m.archive<>'' AND m.sender=?", (conv, named.archive, named.sender))
        )
    if named.origin:
        ways.append(
            ("m.conv=? AND m.origin=? AND m.origin<>'' AND m.sender=?", (conv, named.origin, named.sender))
        )
    low, high = named.at - SAME_CLOCK, named.at + SAME_CLOCK
    ways.append(
        (
            "m.conv=? AND m.place BETWEEN ? AND ? AND m.sender=? AND m.at=?",
            (conv, low, high, named.sender, named.at),
        )
    )
    for where, params in ways:
        row = read.one(f"{rows.MESSAGES} WHERE {where} ORDER BY m.id LIMIT 1", params)
        if row is not None:
            return rows.message(row)
    return None
