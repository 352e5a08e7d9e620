# SPDX-License-Identifier: AGPL-3.0-or-later
"""Deleting a conversation with all that was said in it."""

from __future__ import annotations

from salut.api.ports import Tx
from salut.plugins.history.queries import conversation_id

TEXTS = (
    "INSERT INTO message_text (message_text, rowid, body) SELECT 'delete', id, body FROM message "
    "WHERE conv=? AND NOT fleeting"
)


def erase(tx: Tx, address: str) -> None:
    """Messages, what was done to them, their words in the index, the conversation; nothing where it is not there."""
    key = conversation_id(tx, tx.pid, address)
    if key is None:
        return
    gone = tx.all("SELECT id FROM message WHERE conv=? ORDER BY id", (key,))
    tx.execute(TEXTS, (key,))
    for table in ("message", "act"):
        tx.execute(f"DELETE FROM {table} WHERE conv=?", (key,))
    tx.execute("DELETE FROM conversation WHERE id=?", (key,))
    for (message,) in gone:
        tx.change("message", str(message), None)
    tx.change("conversation", address, None)
