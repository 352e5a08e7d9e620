# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a gap is asked for."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from salut.model import moment
from salut.model.words import _
from salut.plugins.archive.gaps import Row
from salut.plugins.archive.heads import HeadRow
from salut.plugins.archive.query import ArchiveError, Ask

PAGE: Final = 100
LARGE_PAGE: Final = 250
"""Of a gap that is long; servers that give less do so (prosody gives 50, ejabberd 250)."""
SLACK: Final = 24 * 3600 * moment.SECOND  # how far our clock may be from the server's

Way = Literal["ids", "since", "all", "until"]
"""How a gap is asked for: after its id, from its time on, without a beginning, or up to its end's time."""


def question(row: Row, way: Way, limit: int = PAGE) -> Ask:
    """What to ask for the next page of a gap."""
    start = max(row.since - SLACK, 1) if way == "since" and row.since else 0
    end = row.until + moment.SECOND if way == "until" else 0
    return Ask(
        archive=row.stream,
        limit=limit,
        before="" if way == "until" else row.before_id,
        after=row.after_id if way == "ids" else "",
        start=start,
        end=end,
    )


def head_question(
    row: Row, head: HeadRow | None, conversation: str, limit: int, *, ids: bool
) -> Ask | None:
    """What to ask for the newest that is missing of one conversation. ``None``: the archive cannot be asked for
    what is after an id, and nothing else says surely where the gap begins in this conversation."""
    if row.after_id and not ids:
        return None
    ask = question(row, "ids" if row.after_id else "all", limit)
    before = head.before_id if head is not None else row.before_id
    return msgspec.structs.replace(ask, before=before, partner=conversation)


def words(error: ArchiveError) -> str:
    """Why the archive gave nothing, for people."""
    return _("The server's archive did not answer as it should: {}").format(error.text or error.condition)
