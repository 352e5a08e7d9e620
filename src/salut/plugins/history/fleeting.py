# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages whose senders want no lasting record of them (XEP-0334): shown, but not kept.

Their words are not in the search index. Each goes an hour after it was read, and after 30 days whether read or not.
On the writer's thread, but for ``due``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from salut.api.ports import Read, Tx
from salut.model import moment
from salut.plugins.history.api import Message

if TYPE_CHECKING:
    from salut.plugins.history.conversations import Known
    from salut.plugins.history.ledger import Ledger

AFTER_READING: Final = 3_600 * 1_000_000  # microseconds
AT_MOST: Final = 30 * 86_400 * 1_000_000
SWEEP_SECONDS: Final = 300.0
BATCH: Final = 500  # messages that go in one transaction


def stored(tx: Tx, messages: Sequence[Message]) -> None:
    """These are fleeting, and stored now. What we wrote ourselves elsewhere is read already."""
    now = moment.now()
    tx.many(
        "UPDATE message SET fleeting=? WHERE id=?",
        [(now + (AFTER_READING if m.outgoing else AT_MOST), m.id) for m in messages],
    )


def were_read(tx: Tx, conversation: int, place: int, sub: int) -> None:
    """The read mark of a conversation stands there now."""
    tx.execute(
        "UPDATE message SET fleeting=min(fleeting, ?) WHERE fleeting<>0 AND conv=? AND (place, sub) <= (?,?)",
        (moment.now() + AFTER_READING, conversation, place, sub),
    )


def due(read: Read, at: int) -> list[int]:
    """Profiles with messages that go now."""
    rows = read.all("SELECT DISTINCT pid FROM message WHERE fleeting<>0 AND fleeting<=?", (at,))
    return [cast("int", row[0]) for row in rows]


def let_go(tx: Tx, ledger: Ledger, at: int) -> int:
    """Delete messages of this profile whose time has come, 500 at most; returns how many."""
    found = tx.all(
        "SELECT m.id, c.address, c.kind FROM message m JOIN conversation c ON c.id=m.conv "
        f"WHERE m.fleeting<>0 AND m.fleeting<=? AND m.pid=? LIMIT {BATCH}",
        (at, tx.pid),
    )
    touched: dict[str, Known] = {}
    for row in found:
        key, address, kind = cast("tuple[int, str, str]", row)
        touched[address] = ledger.known(tx, address, kind)
        tx.execute("DELETE FROM act WHERE message=? AND message<>0", (key,))  # holds its words too
        tx.execute("DELETE FROM message WHERE id=?", (key,))
        tx.change("message", str(key), None)
    for known in touched.values():
        ledger.refresh(tx, known)
    return len(found)
