# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is to be told to a server: by key, one after the other, each once however often it changed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from salut.model.owner import TaskOwner

Tell = Callable[[str, str], Awaitable[bool]]


class Outbox:
    """``tell(profile, key)`` is called for each key that was ``put``, one at a time for each profile; where it
    answers False there is no link, and the keys wait for the next ``go``. ``calm``: seconds that are waited
    before the first of a run, so that what changes often is told once; ``pause``: between one and the next.
    """

    def __init__(
        self, owner: TaskOwner, tell: Tell, name: str, *, calm: float = 0.0, pause: float = 0.0
    ) -> None:
        self._owner = owner
        self._tell = tell
        self._name = name
        self._calm = calm
        self._pause = pause
        self._waiting: dict[str, dict[str, None]] = {}
        self._told: dict[str, str] = {}
        self._running: set[str] = set()

    def put(self, profile: str, key: str) -> None:
        """Tell of this key soon."""
        self._waiting.setdefault(profile, {})[key] = None
        self.go(profile)

    def keep(self, profile: str, key: str) -> None:
        """Tell of this key after the next ``go``."""
        self._waiting.setdefault(profile, {})[key] = None

    def go(self, profile: str) -> None:
        """Tell of what waits."""
        if self._waiting.get(profile) and profile not in self._running:
            self._running.add(profile)
            self._owner.spawn(self._run(profile), f"{self._name} of {profile}")

    def busy(self, profile: str, key: str) -> bool:
        """Whether the server does not know yet of the newest state of this key."""
        return self.waits(profile, key) or self._told.get(profile) == key

    def waits(self, profile: str, key: str) -> bool:
        """Whether it is to be told yet (again)."""
        return key in self._waiting.get(profile, ())

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        self._waiting.pop(profile, None)

    async def _run(self, profile: str) -> None:
        try:
            await asyncio.sleep(self._calm)
            while waiting := self._waiting.get(profile):
                key = next(iter(waiting))
                del waiting[key]
                self._told[profile] = key
                try:
                    went = await self._tell(profile, key)
                finally:
                    self._told.pop(profile, None)
                if not went:
                    self.keep(profile, key)
                    return
                await asyncio.sleep(self._pause)
        finally:
            self._running.discard(profile)
