# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is on its way to one window: a state machine without I/O.

Answers always go. Changes go through a bounded queue; past the bound the queue is dropped and the window is
fed from the journal, which is the buffer: a window that never reads costs no more than the bound.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from salut.bridge.bounds import Bounds
from salut.engine.batch import Batch, changes_line


@dataclass(slots=True, eq=False)
class Place:
    """Where a window stands in one journal. ``sent`` is queued or written, ``head`` exists, above ``live`` is live."""

    journal: str
    sent: int
    head: int
    live: int


class Feed:
    """One window's outgoing side. ``take`` gives the next bytes to write."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self.places: dict[str, Place] = {}
        self._answers: deque[bytes] = deque()
        self._answer_bytes = 0
        self._queue: deque[Batch] = deque()
        self._queued_bytes = 0
        self._queued_count = 0
        self._passing: dict[tuple[str, str, str], bytes] = {}
        self._passing_bytes = 0
        self.dropped = 0  # how often the queue was dropped
        self.overrun = False  # passing objects past the bound were not taken: the window must begin anew

    # What comes in
    def answer(self, line: bytes) -> None:
        """An answer or a notice that must not be lost. The binding reads no request while it is ``full``."""
        self._answers.append(line)
        self._answer_bytes += len(line)

    @property
    def full(self) -> bool:
        """So many answers wait that no further request should be taken."""
        return self._answer_bytes > self._bounds.answer_bytes

    def join(self, journal: str, sent: int, head: int) -> None:
        """Follow a journal from ``sent`` on; ``head`` is the newest there is."""
        self.places[journal] = Place(journal, sent, head, head)

    def stop(self, journal: str) -> None:
        """Follow a journal no more; changes of it that wait are not sent."""
        self.places.pop(journal, None)
        self._requeue([batch for batch in self._queue if batch.journal != journal])

    def leave(self, journal: str) -> None:
        """The journal is gone, and with it what was passing there."""
        self.stop(journal)
        for mark in [mark for mark in self._passing if mark[0] == journal]:
            self._passing_bytes -= len(self._passing.pop(mark))

    def publish(self, batch: Batch) -> None:
        """Live changes. Queued if the window keeps up, else left to the journal."""
        place = self.places.get(batch.journal)
        if place is None:
            return
        behind = place.sent != batch.first - 1
        place.head = max(place.head, batch.last)
        if behind:
            return
        if (
            self._queued_bytes + len(batch.line) > self._bounds.queue_bytes
            or self._queued_count + len(batch.changes) > self._bounds.queue_count
        ):
            self._drop()
            return
        self._queue.append(batch)
        self._queued_bytes += len(batch.line)
        self._queued_count += len(batch.changes)
        place.sent = batch.last

    def passing(self, mark: tuple[str, str, str], encoded: bytes) -> None:
        """A passing object's newest value; an older one that still waits is replaced."""
        size = self._passing_bytes + len(encoded) - len(self._passing.get(mark, b""))
        count = len(self._passing) + (mark not in self._passing)
        if size > self._bounds.passing_bytes or count > self._bounds.passing_count:
            self.overrun = True
            return
        self._passing[mark] = encoded
        self._passing_bytes = size

    def fed(self, place: Place, after: int, changes: list[bytes]) -> None:
        """Changes that were read from the journal because ``hungry`` asked for them."""
        if self.places.get(place.journal) is not place or place.sent != after:
            return  # started anew meanwhile
        if not changes:
            place.head = place.sent  # trimmed or rolled back: nothing to feed
            return
        place.sent = after + len(changes)
        place.head = max(place.head, place.sent)
        replayed = max(0, min(place.live - after, len(changes)))
        for live, some in ((False, changes[:replayed]), (True, changes[replayed:])):
            if some:
                self.answer(changes_line(place.journal, live, some))

    def _drop(self) -> None:
        """Leave to the journal what is queued and what comes until the window has caught up: it is not live then."""
        self.dropped += 1
        for batch in self._queue:
            place = self.places[batch.journal]
            place.sent = min(place.sent, batch.first - 1)
        for place in self.places.values():
            if place.sent < place.head:
                place.live = place.head
        self._requeue([])

    def _requeue(self, batches: list[Batch]) -> None:
        self._queue = deque(batches)
        self._queued_bytes = sum(len(batch.line) for batch in batches)
        self._queued_count = sum(len(batch.changes) for batch in batches)

    # What goes out
    def hungry(self) -> Place | None:
        """A journal that this window must be fed from, after ``sent``; when all queued has gone."""
        if self._queue or self._answers:
            return None
        for place in self.places.values():
            if place.sent < place.head:
                return place
        return None

    def behind(self) -> int:
        """Changes that exist and were not yet queued."""
        return sum(place.head - place.sent for place in self.places.values() if place.head > place.sent)

    def take(self) -> bytes:
        """The next bytes to write; empty when there are none."""
        parts: list[bytes] = list(self._answers)
        self._answers.clear()
        self._answer_bytes = 0
        if not parts and not self._queue and not self._passing:
            return b""
        parts += [batch.line for batch in self._queue]
        self._queue.clear()
        self._queued_bytes = self._queued_count = 0
        if self._passing:
            items = b",".join(self._passing.values())
            self._passing.clear()
            self._passing_bytes = 0
            parts.append(b'{"jsonrpc":"2.0","method":"passing","params":{"items":[%s]}}\n' % items)
        return b"".join(parts)

    def __bool__(self) -> bool:
        return bool(self._answers or self._queue or self._passing) or self.hungry() is not None
