# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stream management (XEP-0198) counters and queues, without I/O.

What differs from the common implementations: a stanza counts as handled only when its handler says that it is
done (stored), so ``h`` is the watermark below which *everything* is done. What is not stored is never
acknowledged, and the server delivers it again.

Numbers are kept unbounded inside; on the wire they are taken modulo 2**32 (section 4).
"""

from __future__ import annotations

from collections import OrderedDict, deque

import msgspec

WRAP = 2**32
NS = "urn:xmpp:sm:3"


class CountError(Exception):
    """The server acknowledged more than was sent (``handled-count-too-high``)."""


class Inbox:
    """Counts stanzas that come in and knows up to which all are done."""

    def __init__(self) -> None:
        self.received = 0
        self._handed = 0
        self._open: OrderedDict[int, None] = OrderedDict()
        self._failed: dict[int, int] = {}
        self._tries: dict[int, int] = {}
        self._asked_at = 0
        self._answered = 0

    @property
    def unfinished(self) -> int:
        """How many stanzas were handed over and are not done."""
        return len(self._open)

    @property
    def watermark(self) -> int:
        """Every stanza up to this number is done."""
        if self._open:
            return min(next(iter(self._open)) - 1, self.received)
        return self.received

    @property
    def h(self) -> int:
        """The watermark as it goes over the wire."""
        return self.watermark % WRAP

    def receive(self) -> tuple[int, bool]:
        """Count one stanza: its number, and whether it is to be handled.

        After a resumption the server repeats what we did not acknowledge; what was handed over before
        and did not fail is not handed over twice.
        """
        self.received = number = self.received + 1
        if number > self._handed:
            self._handed = number
            return number, True
        return number, self._failed.pop(number, None) is not None

    def hold(self, number: int) -> None:
        """The handler of this stanza needs time. Numbers are held in the order in which they came."""
        if number not in self._open:
            self._open[number] = None

    def done(self, number: int) -> None:
        """The stanza is dealt with for good."""
        self._open.pop(number, None)
        if self._tries:
            self._tries.pop(number, None)

    def failed(self, number: int) -> int:
        """The handler failed: stays open, and is handed over again after the next resumption.

        Returns how often this stanza has failed.
        """
        self._tries[number] = tries = self._tries.get(number, 0) + 1
        if number in self._open:
            self._failed[number] = tries
        return tries

    def rewind(self) -> int:
        """A resumption begins: the number to resume from. The server repeats all after it."""
        self.received = self._answered = self._asked_at = self.watermark
        return self.received % WRAP

    def asked(self) -> int:
        """The server asks (``<r/>``): the ``h`` to answer. What is missing of it is owed."""
        self._asked_at = self.received
        self._answered = self.watermark
        return self._answered % WRAP

    def owed(self) -> int | None:
        """An ``h`` to send unasked, because an earlier question could not be answered in full; else None."""
        if self._answered >= self._asked_at:
            return None
        mark = self.watermark
        if mark <= self._answered:
            return None
        self._answered = mark
        return mark % WRAP


class Sent(msgspec.Struct, frozen=True):
    """One stanza on its way: its text and the key under which its sender wants to hear of it."""

    text: str
    track: str | None


class Outbox:
    """Keeps what was sent until the server has it. Bounded by count and by characters."""

    def __init__(self, most: int = 5000, most_chars: int = 8 * 2**20) -> None:
        self._most = most
        self._most_chars = most_chars
        self._queue: deque[Sent] = deque()
        self._chars = 0
        self._acked = 0
        self._asking = False

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def full(self) -> bool:
        """No more stanzas may be added."""
        return len(self._queue) >= self._most or self._chars >= self._most_chars

    def add(self, text: str, track: str | None) -> None:
        """Remember a stanza that is being sent."""
        self._queue.append(Sent(text, track))
        self._chars += len(text)

    def acknowledged(self, h: int) -> list[str]:
        """The server says ``h``: the keys of the stanzas that it now has, oldest first."""
        count = (h - self._acked) % WRAP
        if count > len(self._queue):
            raise CountError(f"the server acknowledges {count} stanzas, {len(self._queue)} were sent")
        self._acked += count
        self._asking = False
        keys = []
        for _ in range(count):
            sent = self._queue.popleft()
            self._chars -= len(sent.text)
            if sent.track is not None:
                keys.append(sent.track)
        return keys

    def ask(self) -> bool:
        """Whether to ask now (``<r/>``). One question is open at a time: a burst costs one for each trip."""
        if self._asking or not self._queue:
            return False
        self._asking = True
        return True

    def resend(self) -> list[str]:
        """After a resumption: the texts that the server has not acknowledged, oldest first."""
        self._asking = False
        return [sent.text for sent in self._queue]

    def lost(self) -> list[str]:
        """The session is gone: forget all, and return the keys whose fate is unknown, oldest first."""
        keys = [sent.track for sent in self._queue if sent.track is not None]
        self._queue.clear()
        self._chars = 0
        return keys


class Management:
    """The state of one managed session, over all the connections that carry it."""

    def __init__(self, resumption: str = "") -> None:
        self.resumption = resumption
        self.inbox = Inbox()
        self.outbox = Outbox()
