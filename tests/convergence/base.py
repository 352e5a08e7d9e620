# SPDX-License-Identifier: AGPL-3.0-or-later
"""What one run consists of: the daemon, the windows, the log of what was done."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from salut.model.errors import SalutError
from tests.convergence.driver import Driver
from tests.convergence.world import PROFILES, World

WINDOWS = 8


class Base:
    """All of one seed. ``log`` tells what was done, step by step."""

    def __init__(self, seed: int, folder: Path, template: Path, resets: Counter[str]) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.log: list[str] = []
        self.world = World(folder, template, Random(seed + 1))
        self.drivers = [Driver(n, self.world, Random(seed * 31 + n), resets) for n in range(WINDOWS)]
        self.ops: list[tuple[str, dict[str, Any]]] = []  # writes that were sent, to be repeated
        self._op = 0
        self._backed_up = False
        self._seen: list[tuple[str, str]] = []  # (account, stanza) for duplicates

    def note(self, text: str) -> None:
        """Into the log that a failure prints."""
        self.log.append(text)

    async def bring_back(self, driver: Driver) -> None:
        """A window that was kicked or closed comes again, as a new process."""
        checkpoint = driver.checkpoint if self.random.random() < 0.5 else None
        with contextlib.suppress(SalutError):
            await driver.come(checkpoint)
        self.note(f"  {driver.name} comes {'knowing ' + str(checkpoint[0]) if checkpoint else 'anew'}")

    def choose_view(self, driver: Driver) -> None:
        """What a window wants to see."""
        count = self.random.choice((0, 0, 1, 2))
        driver.profiles = self.random.sample((*PROFILES, "dora"), count) if count else None
