# SPDX-License-Identifier: AGPL-3.0-or-later
"""The clocks that the state machines read, so that tests can move them."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Three readings of time; only their differences and the wall's microseconds mean something."""

    def monotonic(self) -> float:
        """Seconds that do not pass while the machine sleeps."""
        ...

    def boottime(self) -> float:
        """Seconds that do pass while the machine sleeps."""
        ...

    def wall_us(self) -> int:
        """Microseconds since 1970, UTC."""
        ...


class SystemClock:
    """The machine's clocks. Without CLOCK_BOOTTIME (not Linux) the wall clock stands in for it."""

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        identifier = getattr(time, "CLOCK_BOOTTIME", None)
        return time.time() if identifier is None else time.clock_gettime(identifier)

    def wall_us(self) -> int:
        return time.time_ns() // 1000
