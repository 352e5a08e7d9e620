# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is due when. No I/O: both clocks are handed in.

Two clocks: what has a time leaves by the wall's, whichever way that is set. What is held for a moment is held by
the one that only runs forward, so that setting the wall's clock neither shortens the moment nor draws it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

SECOND: Final = 1_000_000
LATE: Final = 60 * SECOND  # later than this is worth a word
STEP: Final = 5.0  # seconds after which the wall's clock is looked at again: somebody may have set it
FIRST_RETRY: Final = 1.0
LONGEST_RETRY: Final = 60.0

Key = tuple[int, int]  # pid, id
Place = tuple[int, str]  # pid, conversation


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as far as its time goes. ``undo``: microseconds for which it is held; 0: it has a time."""

    pid: int
    id: int
    at: int
    conversation: str = ""
    undo: int = 0
    sending: bool = False

    @property
    def key(self) -> Key:
        """Which it is."""
        return (self.pid, self.id)


@dataclass(frozen=True, slots=True)
class Plan:
    """``due``: in the order in which they leave, and whether late. ``wait``: seconds; none: until told."""

    due: list[tuple[Entry, bool]]
    wait: float | None


@dataclass(slots=True)
class Agenda:
    """Remembers of this life of the daemon: until when things are held, and what is tried again when."""

    holds: dict[Key, float] = field(default_factory=dict)
    ends: dict[Place, float] = field(default_factory=dict)
    retries: dict[Key, tuple[float, float]] = field(default_factory=dict)  # when, and the wait before that

    def until(self, place: Place, mono: float, seconds: float) -> float:
        """Until when a new message is held: not shorter than what was written before it to the same place."""
        self.ends = {other: end for other, end in self.ends.items() if end > mono}
        end = self.ends[place] = max(mono + seconds, self.ends.get(place, mono))
        return end

    def hold(self, key: Key, end: float) -> None:
        """A message is held."""
        self.holds[key] = end

    def again(self, key: Key, mono: float, after: float = 0.0) -> None:
        """It did not work now: try later, ``after`` seconds or ever more."""
        last = self.retries.get(key, (0.0, 0.0))[1]
        pause = after or min(max(last * 2, FIRST_RETRY), LONGEST_RETRY)
        self.retries[key] = (mono + pause, last if after else pause)

    def forget(self, key: Key) -> None:
        """It is gone, or has another time."""
        self.holds.pop(key, None)
        self.retries.pop(key, None)

    def plan(self, entries: Sequence[Entry], wall: int, mono: float) -> Plan:
        """What is due among all that there is."""
        keys = {entry.key for entry in entries}
        for known in (self.holds, self.retries):
            for key in known.keys() - keys:
                known.pop(key)
        due: list[tuple[int, Entry, bool]] = []
        wait: float | None = None
        for entry in entries:
            left, late = self._left(entry, wall, mono)
            retry = self.retries.get(entry.key, (mono, 0.0))[0] - mono
            if max(left, retry) <= 0:
                due.append((wall + int(left * SECOND), entry, late))
            else:
                wait = min(max(left, retry), STEP if wait is None else wait)
        due.sort(key=lambda found: (found[0], found[1].id))
        return Plan([(entry, late) for _when, entry, late in due], wait)

    def _left(self, entry: Entry, wall: int, mono: float) -> tuple[float, bool]:
        """Seconds until it is due (not above 0: it is), and whether it is late."""
        if entry.sending:
            return min((entry.at - wall) / SECOND, 0.0), False
        if entry.undo:
            end = self.holds.get(entry.key)
            if (
                end is None
            ):  # of an earlier life: the wall's clock is all there is, but held no longer than meant
                end = self.holds[entry.key] = mono + min(entry.at - wall, entry.undo) / SECOND
                place = (entry.pid, entry.conversation)
                self.ends[place] = max(end, self.ends.get(place, end))
            return end - mono, mono - end > LATE / SECOND
        return (entry.at - wall) / SECOND, wall - entry.at > LATE
