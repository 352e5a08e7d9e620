# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a gap is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

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


class HeadAsk(NamedTuple):
    """A question about one conversation. ``exact``: what it gives begins where the gap begins."""

    ask: Ask
    exact: bool


def head_question(
    row: Row, head: HeadRow | None, conversation: str, limit: int, *, ids: bool, alone: bool
) -> HeadAsk | None:
    """What to ask for the newest that is missing of one conversation.

    ``alone``: no other open gap lies in the time that we ask about, so that what is before this one is known. Then
    the first question has a time only: with the partner and a time servers find messages by an index, with ids
    some look at all that others said in between (prosody 0.12 on SQLite: 26 ms in place of 3 ms among 60,000).
    ``None``: the archive cannot be asked for what is after an id, and nothing else says surely where the gap begins.
    """
    if head is None and alone:
        ask = Ask(limit=limit, partner=conversation, start=begin(row))
        return HeadAsk(ask, not row.after_id)
    if row.after_id and not ids:
        return None
    ask = question(row, "ids" if row.after_id else "all", limit)
    before = head.before_id if head is not None else row.before_id
    return HeadAsk(msgspec.structs.replace(ask, before=before, partner=conversation), True)


def begin(row: Row) -> int:
    """A moment before all of a gap, as far as clocks can be believed."""
    return max(row.since - SLACK, 1) if row.after_id else 1


def alone(row: Row, rows: Iterable[Row]) -> bool:
    """Whether ``row`` is the only gap of its archive since ``begin``."""
    return all(
        other.id == row.id
        or other.stream != row.stream
        or (other.id < row.id and 0 < other.until < begin(row))
        for other in rows
    )


def words(error: ArchiveError) -> str:
    """Why the archive gave nothing, for people."""
    return _("The server's archive did not answer as it should: {}").format(error.text or error.condition)
