# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far an export or import is, and what came of it."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from salut.frontends.cli import show
from salut.model.words import _

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

EVERY = 0.5  # seconds between two words on the terminal


@dataclass(slots=True)
class Counts:
    """What was written so far, or of an import what was ``stored`` and what was ``known`` already."""

    conversations: int = 0
    messages: int = 0
    things: int = 0
    stored: int = 0
    known: int = 0
    skipped: int = 0
    problems: list[str] = field(default_factory=list)  # the first few, in words

    def plain(self) -> Object:
        """The counts of an export."""
        return {"conversations": self.conversations, "messages": self.messages, "things": self.things}


class Progress:
    """Says on a terminal how far it is, a few times a second."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._on = sys.stderr.isatty()
        self._next = 0.0
        self._shown = False

    def __call__(self, counts: Counts) -> None:
        """So far it is ``counts``."""
        if self._on and (now := time.monotonic()) >= self._next:
            self._next, self._shown = now + EVERY, True
            words = _("{} messages").format(f"{counts.messages:,}")
            sys.stderr.write(f"\r{self._verb}: {words} ")
            sys.stderr.flush()

    def end(self) -> None:
        """No more words; the line is cleared."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def problem(counts: Counts, words: str, most: int = 20) -> None:
    """Note something that was left out, and say it (the first of many)."""
    counts.skipped += 1
    if len(counts.problems) < most:
        counts.problems.append(words)
        show.note(words)
    elif counts.skipped == most + 1:
        show.note(_("more of the same are counted, not shown"))
