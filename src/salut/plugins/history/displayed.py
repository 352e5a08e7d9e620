# SPDX-License-Identifier: AGPL-3.0-or-later
"""Read marks by the ids that other devices of the account name: the archive's (XEP-0490) or the sender's (XEP-0333)."""

from __future__ import annotations

from typing import Final, cast

from salut.api.ports import Read, Tx
from salut.plugins.history.ledger import Ledger

NEWEST_READ: Final = (
    "SELECT m.archive FROM message m JOIN conversation c ON c.id=m.conv WHERE c.pid=? AND c.address=? "
    "AND m.archive<>'' AND NOT m.outgoing AND (m.place, m.sub) <= (c.read_place, c.read_sub) "
    "ORDER BY m.place DESC, m.sub DESC LIMIT 1"
)
BY_ARCHIVE: Final = (
    "SELECT place, sub FROM message WHERE conv=:conv AND archive=:id AND archive<>''",
    "SELECT place, sub FROM act WHERE conv=:conv AND archive=:id AND archive<>''",
)
BY_ORIGIN: Final = (
    "SELECT place, sub FROM message WHERE conv=:conv AND stanza=:id AND stanza<>'' AND NOT outgoing",
    "SELECT place, sub FROM message WHERE conv=:conv AND origin=:id AND origin<>'' AND NOT outgoing",
)


def newest_read(read: Read, pid: int, conversation: str) -> str:
    """The archive id of the newest message received that stands at or before the read mark; may be empty."""
    row = read.one(NEWEST_READ, (pid, conversation))
    return str(row[0]) if row is not None else ""


def read_up_to(ledger: Ledger, tx: Tx, conversation: str, archive: str, origin: str) -> bool:
    """Move the mark forward to a message, or to what acted on one. False: there is nothing of this id, yet."""
    row = tx.one("SELECT id FROM conversation WHERE pid=? AND address=?", (tx.pid, conversation))
    if row is None:
        return False
    for key, statements in ((archive, BY_ARCHIVE), (origin, BY_ORIGIN)):
        for sql in statements if key else ():
            found = tx.one(f"{sql} ORDER BY place DESC, sub DESC LIMIT 1", {"conv": row[0], "id": key})
            if found is not None:
                ledger.read_up_to(tx, conversation, cast("tuple[int, int]", found))
                return True
    return False
