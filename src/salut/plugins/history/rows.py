# SPDX-License-Identifier: AGPL-3.0-or-later
"""Between rows and structs, and the statements that are run often."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from salut.api.ports import SqlRow
from salut.plugins.history.api import Conversation, Message
from salut.plugins.history.content import Attachment, Content, Reaction, Reference, Reply, Retraction

MESSAGE_COLUMNS: Final = (
    "m.id, c.address, m.place, m.sub, m.at, m.sender, m.outgoing, m.kind, m.body, m.subject, m.thread, "
    "m.state, m.error, m.origin, m.archive, m.mention, m.extra"
)
MESSAGES: Final = f"SELECT {MESSAGE_COLUMNS} FROM message m JOIN conversation c ON c.id = m.conv"
CONVERSATION_COLUMNS: Final = (
    "address, kind, title, unread, mentions, read_place, read_sub, last_at, last_id, preview, preview_sender, "
    "preview_outgoing"
)
CONVERSATIONS: Final = f"SELECT {CONVERSATION_COLUMNS}, rev FROM conversation"
INSERT_MESSAGE: Final = (
    "INSERT INTO message (id, pid, conv, place, sub, at, sender, outgoing, kind, body, subject, thread, state, "
    "error, origin, archive, mention, counts, markable, stream, rev, occupant, stanza, extra) "
    "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
INSERT_TEXT: Final = "INSERT INTO message_text (rowid, body) VALUES (?,?)"


class Extra(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The column ``extra``: what most messages have not. Fields as in ``Message``."""

    edited_at: int = 0
    retraction: Retraction | None = None
    reactions: list[Reaction] = []
    reply: Reply | None = None
    attachments: list[Attachment] = []
    references: list[Reference] = []
    encryption: str = ""
    unstyled: bool = False
    fleeting: bool = False


_extra = msgspec.json.Decoder(Extra).decode
_encode = msgspec.json.Encoder().encode
NOTHING: Final = Extra()


def extra_of(m: Message) -> str:
    """The column ``extra`` of a message."""
    values = {name: getattr(m, name) for name in Extra.__struct_fields__}
    extra = Extra(**values)
    return "" if extra == NOTHING else _encode(extra).decode()


def content(m: Message) -> Content:
    """What a correction of the message would replace."""
    return Content(
        body=m.body,
        subject=m.subject,
        reply=m.reply,
        attachments=m.attachments,
        references=m.references,
        encryption=m.encryption,
        unstyled=m.unstyled,
        mention=m.mention,
    )


def message(row: SqlRow) -> Message:
    """A row of ``MESSAGE_COLUMNS`` (more columns may follow)."""
    r: tuple[Any, ...] = row
    more: dict[str, Any] = msgspec.structs.asdict(_extra(r[16])) if r[16] else {}
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
        **more,
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
