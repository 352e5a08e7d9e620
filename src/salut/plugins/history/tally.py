# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the messages of one batch make of a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from salut.plugins.history.api import Conversation, Message

PREVIEW: Final = 120


@dataclass(slots=True)
class Tally:
    """What the messages of one batch make of a conversation; its struct is built once, not for each."""

    mark: tuple[int, int]
    unread: int
    mentions: int
    newest: Message | None = None

    @classmethod
    def of(cls, shown: Conversation) -> Tally:
        """Begin with what is shown."""
        return cls((shown.read_place, shown.read_sub), shown.unread, shown.mentions)

    def applied(self, shown: Conversation) -> Conversation:
        """What is to be shown now."""
        values: dict[str, Any] = {
            "unread": self.unread,
            "mentions": self.mentions,
            "read_place": self.mark[0],
            "read_sub": self.mark[1],
        }
        newest = self.newest
        if newest is not None:
            values |= {
                "last_at": newest.at,
                "last_id": newest.id,
                "preview": preview(newest.body or newest.subject),
                "preview_sender": newest.sender,
                "preview_outgoing": newest.outgoing,
            }
        return replace(shown, values)


def preview(body: str) -> str:
    """The first line that says something, at most 120 characters."""
    for line in body.splitlines():
        if line.strip():
            return line.strip()[:PREVIEW]
    return ""


def replace(shown: Conversation, values: dict[str, Any]) -> Conversation:
    """A conversation with other values."""
    return msgspec.structs.replace(shown, **values)
