# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run: random operations chosen by a seed, then calm, then a comparison to the field."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from tests.convergence.calm import Calm
from tests.convergence.operations import OPERATIONS
from tests.convergence.world import PROFILES, address

STEPS = 64


class Run(Calm):
    """All of one seed."""

    # The whole
    async def go(self) -> None:
        """Run; ``AssertionError`` says what differs."""
        await self.world.start()
        try:
            for profile in PROFILES:
                await self.world.call(
                    "profiles.create", name=profile, address=address(profile), password="secret"
                )
            for driver in self.drivers:
                self.choose_view(driver)
                driver.conversations = self.random.choice((200, 200, 2))
                await driver.come()
            overflow_at = self.random.randrange(STEPS)
            for step in range(STEPS):
                if step == overflow_at:
                    await self.overflow()
                await self.step()
                for _ in range(self.random.choice((0, 1, 1, 3, 10))):
                    await asyncio.sleep(0)
            await self.settle()
            await self.compare()
        finally:
            for driver in self.drivers:
                await driver.close()
            await self.world.close()
        self.complain()

    def complain(self) -> None:
        """Nothing went wrong on the way."""
        faults = [fault for driver in self.drivers for fault in driver.faults]
        assert not faults, faults
        assert not self.world.complaints.lines, self.world.complaints.lines
        assert not self.world.server.faults, self.world.server.faults
        assert self.world.overflows, "no window's queue overflowed"

    async def step(self) -> None:
        """One operation."""
        names = [name for name, _weight in OPERATIONS]
        weights = [weight for _name, weight in OPERATIONS]
        name = self.random.choices(names, weights)[0]
        driver = self.random.choice(self.drivers)
        what: Any = getattr(self, f"do_{name}")(driver)
        self.note(f"{name} {driver.name}" + (f" {what}" if isinstance(what, str) else ""))
        if isinstance(what, Awaitable):
            told = await what
            if told:
                self.log[-1] += f" {told}"
        if not driver.alive:
            await self.bring_back(driver)
