# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests under way: each gets its answer, its time-out, or a second try on the next connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import msgspec

from salut.api.wire import MAX_IN_FLIGHT
from salut.client import dialogue, troubles
from salut.client.dialogue import Again, Incoming
from salut.client.link import Link
from salut.model.errors import SalutError

OWN_REQUESTS: Final = 4  # of the requests in flight, kept for attach, ping and focus


class _Pending:
    """A request without its answer yet."""

    __slots__ = ("again", "future", "line", "sent")

    def __init__(self, line: bytes, again: Again) -> None:
        self.line = line
        self.again = again
        self.sent = False  # on the present connection
        self.future: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()


class Calls:
    """The table of requests, at most as many in flight as the daemon takes; others wait their turn."""

    def __init__(self, may_ask: Callable[[], bool]) -> None:
        """``may_ask``: whether requests may leave on the present connection; else they wait for ``submit_all``."""
        self._may_ask = may_ask
        self._ids = count(1)
        self._pending: dict[int, _Pending] = {}
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT - OWN_REQUESTS)
        self._end: SalutError | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def new_id(self) -> int:
        """An id that no other request of this client has."""
        return next(self._ids)

    def check_open(self) -> None:
        """Raise why there will be no more answers, if that is so."""
        if self._end is not None:
            raise self._end

    async def exchange(
        self, link: Link, method: str, params: dict[str, Any], again: Again, seconds: float
    ) -> msgspec.Raw:
        """Send a request, now or when there is a connection, and wait for its result."""
        self.check_open()
        number = self.new_id()
        line = dialogue.encode({"id": number, "method": method, "params": params})
        try:
            async with asyncio.timeout(seconds), self._slots:
                self.check_open()
                pending = self._pending[number] = _Pending(line, again)
                link.wake()
                await self._submit(link, pending)
                return await pending.future
        except TimeoutError:
            if link.view.state == "connected":
                raise troubles.no_answer(method, seconds) from None
            raise troubles.cut(link.view.reason) from None
        finally:
            self._pending.pop(number, None)

    async def submit_all(self, link: Link) -> None:
        """A new connection is open: send what waits, and what may be sent again."""
        for pending in list(self._pending.values()):
            await self._submit(link, pending)

    async def _submit(self, link: Link, pending: _Pending) -> None:
        if link.open and not pending.sent and self._may_ask():
            pending.sent = True
            await link.send(pending.line)

    def answer(self, message: Incoming) -> None:
        """Hand an answer to whom it belongs; that of a call that was given up is dropped."""
        pending = self._pending.get(message.id) if isinstance(message.id, int) else None
        if pending is None or pending.future.done():
            return
        error = dialogue.failure(message)
        if error is not None:
            pending.future.set_exception(error)
        else:
            pending.future.set_result(message.result)

    def interrupted(self, error: SalutError) -> None:
        """The connection is gone: calls that may not be repeated fail, the others wait for the next one."""
        for pending in self._pending.values():
            if pending.sent and pending.again is Again.NEVER and not pending.future.done():
                pending.future.set_exception(error)
            pending.sent = False

    def finish(self, error: SalutError) -> None:
        """There will be no other connection."""
        self._end = self._end or error
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_exception(error)
