# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an archive is asked, and what it answers, free of stanzas."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from salut.plugins.history.api import NewMessage


class ArchiveError(Exception):
    """An archive gave no page. ``condition``: RFC 6120's word, or ``not-connected``, ``remote-server-timeout``."""

    def __init__(self, condition: str, text: str = "") -> None:
        super().__init__(f"{condition}: {text}" if text else condition)
        self.condition = condition
        self.text = text


class Result(msgspec.Struct):
    """One archived message: its archive id, when it was sent, and what history keeps of it (if anything)."""

    id: str
    at: int
    message: NewMessage | None = None


class Results(msgspec.Struct):
    """One page of an archive, oldest first. ``complete``: nothing is before it in what was asked for."""

    items: list[Result]
    complete: bool


class Support(NamedTuple):
    """What is known of the account's archive. ``known``: the server said what it can do."""

    known: bool
    archive: bool
    ids: bool  # can be asked for what is after an id


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One query for a page: the newest ``limit`` before ``before`` (an archive id; empty: the newest of all)."""

    archive: str = ""  # "": the account's own
    limit: int
    before: str = ""
    after: str = ""  # only what is archived after this id (needs ``Support.ids``)
    start: int = 0  # only between these moments
    end: int = 0
    partner: str = ""  # only with this address
