# SPDX-License-Identifier: AGPL-3.0-or-later
"""How often others are answered: so many a minute each, and so many of all together. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MINUTE: Final = 60.0
EACH: Final = 10
ALL: Final = 120
MOST_ASKERS: Final = 500


class Bucket:
    """``most`` a minute, spread over it."""

    def __init__(self, most: int, now: float) -> None:
        self._most = most
        self._left = float(most)
        self._at = now

    def take(self, now: float) -> bool:
        """Whether there is one left."""
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._most / MINUTE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Bounds:
    """Who asked how often. Those who asked longest ago are forgotten first."""

    def __init__(self, now: float) -> None:
        self._all = Bucket(ALL, now)
        self._askers: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._askers)

    def allow(self, who: str, now: float) -> bool:
        """Whether ``who`` may be answered now."""
        bucket = self._askers.get(who)
        if bucket is None:
            bucket = self._askers[who] = Bucket(EACH, now)
            if len(self._askers) > MOST_ASKERS:
                self._askers.popitem(last=False)
        self._askers.move_to_end(who)
        return bucket.take(now) and self._all.take(now)
