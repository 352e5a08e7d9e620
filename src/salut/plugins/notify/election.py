# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which window rings, and when. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from salut.api.core import Window
from salut.plugins.history.api import Conversation
from salut.plugins.notify.api import Notification

Level = Literal["always", "mention", "never"]
DAY: Final = 24 * 60  # minutes


def elected(windows: Iterable[tuple[Window, int]]) -> str:
    """The window that rings: one that is looked at now, else the one that was looked at last; idle ones come after
    all others. Empty where nobody ever looked at any."""
    best = max(
        windows, key=lambda each: (not each[0].idle, each[0].focused, each[1], each[0].id), default=None
    )
    return best[0].id if best is not None else ""


def within(quiet: str, minute: int) -> bool:
    """Whether ``minute`` of the day (0 to 1,439) lies in hours written as ``22:00-07:00``."""
    if not quiet:
        return False
    start, end = (_minute(text) for text in quiet.split("-"))
    return (minute - start) % DAY < (end - start) % DAY


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def wanted(shown: Conversation, level: Level, stranger: bool) -> bool:
    """Whether what is unread there is worth a notification."""
    if stranger or level == "never":
        return False
    return shown.mentions > 0 if level == "mention" else shown.unread > 0


def rises(before: tuple[int, int], shown: Conversation, level: Level) -> bool:
    """Whether there is more of what is worth one than there was (unread and mentions)."""
    return shown.mentions > before[1] or (level == "always" and shown.unread > before[0])


def notification(shown: Conversation, window: str, quiet: bool) -> Notification:
    """What windows show."""
    return Notification(
        conversation=shown.address,
        title=shown.title,
        at=shown.last_at,
        unread=shown.unread,
        mentions=shown.mentions,
        sender=shown.preview_sender,
        preview=shown.preview,
        window="" if quiet else window,
        quiet=quiet,
    )
