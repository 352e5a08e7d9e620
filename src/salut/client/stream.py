# SPDX-License-Identifier: AGPL-3.0-or-later
"""Events of a replica as an async iterator that holds the connection back when nobody takes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from salut.client.replica import Event


class Stream:
    """Yields every event since it was made; ends with the client or by ``close``.

    Past ``limit`` waiting events the client stops reading (but for answers to its own calls), so that
    the daemon holds the rest in its journal.
    """

    def __init__(self, limit: int, taken: Callable[[], None]) -> None:
        self._limit = limit
        self._taken = taken
        self._events: deque[Event] = deque()
        self._ready = asyncio.Event()
        self._end = False
        self._closers: list[Callable[[], None]] = []

    @property
    def full(self) -> bool:
        """No more should be read before some are taken."""
        return len(self._events) >= self._limit

    def put(self, event: Event) -> None:
        """For the client: an event to be taken."""
        if not self._end:
            self._events.append(event)
            self._ready.set()

    def close(self) -> None:
        """No further events; those that wait can still be taken."""
        if not self._end:
            self._end = True
            self._ready.set()
            for closer in self._closers:
                closer()

    def on_close(self, closer: Callable[[], None]) -> None:
        """For the client: what to do when the stream ends."""
        self._closers.append(closer)

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Event:
        await self._wait()
        if not self._events:
            raise StopAsyncIteration
        event = self._events.popleft()
        self._taken()
        return event

    async def batch(self) -> list[Event]:
        """All events that wait, at least one; empty at the end."""
        await self._wait()
        events = list(self._events)
        self._events.clear()
        self._taken()
        return events

    async def _wait(self) -> None:
        while not self._events and not self._end:
            self._ready.clear()
            await self._ready.wait()
