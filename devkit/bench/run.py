# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a section is told: where its files go, how much to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devkit.bench.report import Figure


@dataclass(frozen=True, slots=True)
class Run:
    """``quick`` does a fraction of the work: good to see that a section runs, not to judge a figure."""

    folder: Path
    quick: bool = False
    repeats: int = 0

    def scale(self, full: int, quick: int) -> int:
        """How many of something."""
        return quick if self.quick else full

    def repeat(self, usual: int) -> int:
        """How often: what the caller of the bench wants, else ``usual`` (once if quick)."""
        return self.repeats or (1 if self.quick else usual)


Section = Callable[[Run], Iterator[Figure]]
