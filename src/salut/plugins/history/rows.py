# SPDX-License-Identifier: AGPL-3.0-or-later
"""Between rows and structs, and the statements that are run often."""

from __future__ import annotations

from typing import Any, Final

from salut.api.ports import SqlRow
from salut.plugins.history.api import Conversation, Message

MESSAGE_COLUMNS: Final = (
    "m.id, c.address, m.place, m.sub, m.at, m.sender, m.outgoing, m.kind, m.body, m.subject, m.thread, "
    "m.state, m.error, m.origin, m.archive, m.mention"
)
MESSAGES: Final = f"SELECT {MESSAGE_COLUMNS} FROM message m JOIN conversation c ON c.id = m.conv"
CONVERSATION_COLUMNS: Final = (
    "address, kind, title, unread, mentions, read_place, read_sub, last_at, last_id, preview, preview_sender, "
    "preview_outgoing"
)
CONVERSATIONS: Final = f"SELECT {CONVERSATION_COLUMNS}, rev FROM conversation"
INSERT_MESSAGE: Final = (
    "INSERT INTO message (id, pid, conv, place, sub, at, sender, outgoing, kind, body, subject, thread, state, "
    "error, origin, archive, mention, counts, markable, stream, rev) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
INSERT_TEXT: Final = "INSERT INTO message_text (rowid, body) VALUES (?,?)"


def message(row: SqlRow) -> Message:
    """A row of ``MESSAGE_COLUMNS``."""
    r: tuple[Any, ...] = row
    return Message(
        id=r[0],
        conversation=r[1],
        place=r[2],
        sub=r[3],
        at=r[4],
        sender=r[5],
        outgoing=bool(r[6]),
        kind=r[7],
        body=r[8],
        subject=r[9],
        thread=r[10],
        state=r[11],
        error=r[12],
        origin=r[13],
        archive=r[14],
        mention=bool(r[15]),
    )


def conversation(row: SqlRow) -> Conversation:
    """A row of ``CONVERSATION_COLUMNS`` (more columns may follow)."""
    r: tuple[Any, ...] = row
    return Conversation(
        address=r[0],
        kind=r[1],
        title=r[2],
        unread=r[3],
        mentions=r[4],
        read_place=r[5],
        read_sub=r[6],
        last_at=r[7],
        last_id=r[8],
        preview=r[9],
        preview_sender=r[10],
        preview_outgoing=bool(r[11]),
    )
