# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is on its way to one window: a state machine without I/O.

Answers always go. Changes go through a bounded queue; past the bound the queue is dropped and the window is
fed from the journal, which is the buffer: a window that never reads costs no more than the bound.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from salut.engine.batch import Batch, changes_line

QUEUE_BYTES = 256 * 1024
QUEUE_COUNT = 2_000
PASSING_COUNT = 10_000
ANSWER_BYTES = 512 * 1024  # of answers that nobody took: with more, no further request is read


@dataclass(slots=True)
class Place:
    """Where a window stands in one journal. ``sent`` is queued or written, ``head`` exists, above ``live`` is live."""

    sent: int
    head: int
    live: int


class Feed:
    """One window's outgoing side. ``take`` gives the next bytes to write."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self._answers: deque[bytes] = deque()
        self._answer_bytes = 0
        self._queue: deque[Batch] = deque()
        self._queued_bytes = 0
        self._queued_count = 0
        self._passing: dict[tuple[str, str, str], bytes] = {}
        self.dropped = 0  # how often the queue was dropped

    # What comes in
    def answer(self, line: bytes) -> None:
        """An answer or a notice that must not be lost; bounded, as no request is read while ``crowded``."""
        self._answers.append(line)
        self._answer_bytes += len(line)

    @property
    def crowded(self) -> bool:
        """Whether so many answers wait that the window must read some before it may ask on."""
        return self._answer_bytes > ANSWER_BYTES

    def join(self, journal: str, sent: int, head: int) -> None:
        """Follow a journal from ``sent`` on; ``head`` is the newest there is."""
        self.places[journal] = Place(sent, head, head)

    def leave(self, journal: str) -> None:
        """Follow a journal no more."""
        self.places.pop(journal, None)
        for mark in [mark for mark in self._passing if mark[0] == journal]:
            del self._passing[mark]

    def publish(self, batch: Batch) -> None:
        """Live changes. Queued if the window keeps up, else left to the journal."""
        place = self.places.get(batch.journal)
        if place is None:
            return
        behind = place.sent != batch.first - 1
        place.head = max(place.head, batch.last)
        if behind:
            return
        if self._queued_bytes + len(batch.line) > QUEUE_BYTES or self._queued_count >= QUEUE_COUNT:
            self._drop()
            return
        self._queue.append(batch)
        self._queued_bytes += len(batch.line)
        self._queued_count += len(batch.changes)
        place.sent = batch.last

    def passing(self, mark: tuple[str, str, str], encoded: bytes) -> None:
        """A passing object's newest value; an older one that still waits is replaced."""
        self._passing[mark] = encoded

    def fed(self, journal: str, after: int, changes: list[bytes]) -> None:
        """Changes that were read from the journal because ``hungry`` asked for them."""
        place = self.places.get(journal)
        if place is None or place.sent != after:
            return  # started anew meanwhile
        if not changes:
            place.head = place.sent  # trimmed or rolled back: nothing to feed
            return
        place.sent = after + len(changes)
        self._answers.append(changes_line(journal, after >= place.live, changes))

    def _drop(self) -> None:
        self.dropped += 1
        for batch in self._queue:
            place = self.places.get(batch.journal)
            if place is not None:
                place.sent = min(place.sent, batch.first - 1)
        self._queue.clear()
        self._queued_bytes = self._queued_count = 0

    # What goes out
    def hungry(self) -> tuple[str, int] | None:
        """A journal that this window must be fed from, and after which ``seq``; when all queued has gone."""
        if self._queue or self._answers:
            return None
        for journal, place in self.places.items():
            if place.sent < place.head:
                return journal, place.sent
        return None

    def behind(self) -> int:
        """Changes that exist and were not yet queued."""
        return sum(place.head - place.sent for place in self.places.values())

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
            parts.append(b'{"jsonrpc":"2.0","method":"passing","params":{"items":[%s]}}\n' % items)
        return b"".join(parts)

    def __bool__(self) -> bool:
        return bool(self._answers or self._queue or self._passing) or self.hungry() is not None
