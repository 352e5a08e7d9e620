# SPDX-License-Identifier: AGPL-3.0-or-later
"""The life of one account's connection as a state machine without I/O.

Each method is an event and returns the commands that the shell has to carry out. Events that belong to one
attempt carry its number; those of an attempt that was given up are ignored, so a late answer can do no harm.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from salut.model.link import LinkState
from salut.model.link import LinkWord as Stage
from salut.xmpp.clock import Clock
from salut.xmpp.errors import Failure

FIRST_DELAY = 1.0
"""Seconds: the upper bound of the first wait; it doubles with each failure."""
LONGEST_DELAY = 300.0
SHORTEST_DELAY = 0.1
STABLE_AFTER = 60.0
"""Seconds online after which earlier failures are forgotten."""


class Attempt(msgspec.Struct, frozen=True):
    """Begin attempt ``number``: resolve, connect, authenticate."""

    number: int


class Drop(msgspec.Struct, frozen=True):
    """Give up whatever attempt or connection there is. ``clean``: close the stream by the book."""

    clean: bool


class Wake(msgspec.Struct, frozen=True):
    """Call ``due(number)`` after ``seconds``."""

    number: int
    seconds: float


class Probe(msgspec.Struct, frozen=True):
    """Find out at once whether the connection still lives."""


Command = Attempt | Drop | Wake | Probe


class Link:
    """The state machine. ``jitter`` gives numbers in [0, 1); waits have full jitter."""

    def __init__(self, clock: Clock, jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self._online_since = 0.0
        self.number = 0
        self.state = LinkState("offline")

    def start(self) -> list[Command]:
        """Wish to be online. No effect when it is wished already."""
        return self._begin() if self.state.state == "offline" else []

    def stop(self) -> list[Command]:
        """Wish to be offline, at once."""
        if self.state.state == "offline":
            return []
        clean = self.state.state == "online"
        self.number += 1
        self._failures = 0
        self.state = LinkState("offline")
        return [Drop(clean)]

    def connect_now(self) -> list[Command]:
        """Do not wait any longer: try (again) now. No effect while online or offline."""
        if self.state.state in ("online", "offline"):
            return []
        return [Drop(clean=False), *self._begin()]

    def reconfigure(self) -> list[Command]:
        """The configuration changed: what runs is obsolete, earlier failures mean nothing."""
        if self.state.state == "offline":
            return []
        clean = self.state.state == "online"
        self._failures = 0
        return [Drop(clean), *self._begin()]

    def progress(self, number: int, stage: Stage, endpoint: str = "") -> None:
        """The attempt reached a stage."""
        if number == self.number and self.state.state in ("resolving", "connecting", "authenticating"):
            self.state = LinkState(stage, attempt=self._failures + 1, endpoint=endpoint)

    def online(self, number: int, endpoint: str) -> bool:
        """The session is established. False: the attempt was given up meanwhile, close it."""
        if number != self.number or self.state.state not in ("resolving", "connecting", "authenticating"):
            return False
        self._online_since = self._clock.monotonic()
        self.state = LinkState("online", attempt=self._failures + 1, endpoint=endpoint)
        return True

    def failed(self, number: int, failure: Failure) -> list[Command]:
        """The attempt, or the connection that came of it, ended."""
        if number != self.number or self.state.state in ("offline", "refused", "retrying"):
            return []
        if self.state.state == "online" and self._clock.monotonic() - self._online_since >= STABLE_AFTER:
            self._failures = 0
        self._failures += 1
        if failure.fatal:
            self.state = LinkState("refused", failure.reason, failure.code, None, self._failures)
            return []
        bound = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(self._failures - 1, 16))
        delay = max(SHORTEST_DELAY, bound * self._jitter())
        retry_at = self._clock.wall_us() + int(delay * 1_000_000)
        self.state = LinkState("retrying", failure.reason, failure.code, retry_at, self._failures)
        return [Wake(self.number, delay)]

    def due(self, number: int) -> list[Command]:
        """The wait that ``Wake`` asked for is over."""
        if number != self.number or self.state.state != "retrying":
            return []
        return self._begin()

    def woke(self) -> list[Command]:
        """The machine slept. What we believed about the network is worth nothing now."""
        if self.state.state == "online":
            return [Probe()]
        if self.state.state in ("offline", "refused"):
            return []
        self._failures = 0
        return [Drop(clean=False), *self._begin()]

    def _begin(self) -> list[Command]:
        self.number += 1
        self.state = LinkState("resolving", attempt=self._failures + 1)
        return [Attempt(self.number)]
