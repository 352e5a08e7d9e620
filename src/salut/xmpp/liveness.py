# SPDX-License-Identifier: AGPL-3.0-or-later
"""Does the connection still live? Decided without I/O, from clocks and from what was heard."""

from __future__ import annotations

from typing import Literal

from salut.xmpp.clock import Clock

TICK = 10.0
"""Seconds between two calls of ``tick``."""
IDLE = 60.0
"""Seconds of silence after which we ask."""
BOUND = 20.0
"""Seconds in which an answer must come."""
SLEPT = 5.0
"""Seconds by which the clocks may drift apart before we call it a suspend."""

Verdict = Literal["", "probe", "dead", "woke"]


class Liveness:
    """Any byte heard is a sign of life; a probe that is followed by none in ``bound`` seconds is death."""

    def __init__(self, clock: Clock, idle: float = IDLE, bound: float = BOUND) -> None:
        self._clock = clock
        self._idle = idle
        self._bound = bound
        self._heard = clock.monotonic()
        self._probed: float | None = None
        self._drift = clock.boottime() - clock.monotonic()

    def heard(self) -> None:
        """Bytes came from the server."""
        self._heard = self._clock.monotonic()
        self._probed = None

    def probed(self) -> None:
        """A question was sent that the server has to answer. Repeating it does not move the deadline."""
        if self._probed is None:
            self._probed = self._clock.monotonic()

    def tick(self) -> Verdict:
        """Look at the clocks. ``woke`` is said once for each suspend."""
        now = self._clock.monotonic()
        drift = self._clock.boottime() - now
        slept, self._drift = drift - self._drift > SLEPT, drift
        if slept:
            return "woke"
        if self._probed is not None:
            return "dead" if now - self._probed >= self._bound else ""
        return "probe" if now - self._heard >= self._idle else ""
