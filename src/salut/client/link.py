# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keeping a connection to the daemon: open, read, ping, notice its end, back off, open again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import msgspec

from salut.api.wire import HANDSHAKE_SECONDS, Hello
from salut.client import lines, troubles
from salut.client.dialogue import Goodbye, Incoming, encode, parse
from salut.client.replica import Desync
from salut.client.transport import Opener, Transport
from salut.model.errors import SalutError
from salut.model.moment import SECOND, now
from salut.model.owner import TaskOwner

FIRST_WAIT: Final = 0.05  # seconds before the first new attempt
LONGEST_WAIT: Final = 5.0
MISSES: Final = 2  # unanswered pings until the daemon counts as dead
FOR_GOOD: Final = frozenset({"kicked", "denied", "protocol"})  # goodbyes after which nobody should come back


@dataclass(frozen=True, slots=True)
class LinkView:
    """How the window stands to the daemon. ``next_try`` is a moment (microseconds, UTC), 0 if none is set."""

    state: Literal["connecting", "connected", "lost", "closed"]
    reason: str = ""
    next_try: int = 0


class LinkUser(Protocol):
    """What the link tells its owner."""

    async def opened(self) -> None:
        """A connection is open: send what has to be sent first."""

    def incoming(self, message: Incoming) -> None:
        """A message that is not the link's own. May raise ``Desync`` or ``SalutError``: a new connection."""

    def interrupted(self, error: SalutError, final: bool) -> None:
        """The connection is gone, ``final``: for good."""

    def may_read(self) -> bool:
        """Whether there is room for more; if not, the link waits for ``Link.wake``."""


class Link:
    """Holds one connection after another until ``close``."""

    def __init__(self, opener: Opener, user: LinkUser, *, start: bool, ping_seconds: float) -> None:
        self.view = LinkView("connecting")
        self.hello: Hello | None = None
        self._opener = opener
        self._user = user
        self._start = start
        self._ping_seconds = ping_seconds
        self._owner = TaskOwner(_report)
        self._transport: Transport | None = None
        self._watchers: list[Callable[[LinkView], None]] = []
        self._wake = asyncio.Event()
        self._first: asyncio.Future[None] | None = None
        self._heard = False
        self._waits: Iterator[float] = _waits()

    async def begin(self) -> None:
        """Open the first connection and keep one from then on. Raises why the first one failed."""
        self._first = asyncio.get_running_loop().create_future()
        self._owner.spawn(self._keep(), "salut-link")
        try:
            await self._first
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the connection and do not come back."""
        await self._owner.close()
        self._drop()
        self._show(LinkView("closed", self.view.reason))

    def watch(self, watcher: Callable[[LinkView], None]) -> Callable[[], None]:
        """Have ``watcher`` called for each new view. Call what it returns to end."""
        self._watchers.append(watcher)

        def end() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return end

    def wake(self) -> None:
        """Look again whether there is room to read."""
        self._wake.set()

    def again(self) -> None:
        """Give up this connection and open another at once."""
        if self._transport is not None:
            self._transport.close()

    @property
    def open(self) -> bool:
        """Whether something can be sent now."""
        return self._transport is not None

    async def send(self, line: bytes) -> None:
        """Send a line if there is a connection; its loss is told to the user by ``interrupted``."""
        if self._transport is not None:
            with suppress(OSError):
                await self._transport.send(line)

    # One connection after another.

    async def _keep(self) -> None:
        try:
            await self._keep_trying()
        except Exception as error:
            trouble = troubles.fault(error)  # nobody shall wait for what will not come
            self._drop()
            self._user.interrupted(trouble, final=True)
            self._show(LinkView("closed", trouble.message))
            raise

    async def _keep_trying(self) -> None:
        start = self._start
        while True:
            end = await self._live(start)
            if self.hello is not None and not end.fault:
                self._waits = _waits()  # it is only gone; one that speaks nonsense is left alone longer
            start = self._start and end.restart
            self._drop()
            first, self._first = self._first, None
            self._user.interrupted(end.error, end.final or first is not None)
            if first is not None and not first.done():
                first.set_exception(end.error)
                return
            if end.final:
                self._show(LinkView("closed", end.error.message))
                return
            wait = next(self._waits)
            self._show(LinkView("lost", end.error.message, now() + int(wait * SECOND)))
            await asyncio.sleep(wait)
            self._show(LinkView("connecting", end.error.message))

    async def _live(self, start: bool) -> _End:
        """One connection, from opening to its end."""
        self.hello = None
        try:
            transport = await self._opener(start)
        except SalutError as error:
            return _End(error, restart=start, final=error.code == "denied")
        except OSError as error:
            return _End(troubles.cut(str(error)), restart=start)
        self._transport = transport
        parts: list[Coroutine[object, object, object]] = [self._ping(), self._greet(), self._read(transport)]
        tasks = [self._owner.spawn(part, "salut-link-part") for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            ends = [task.result() for task in tasks if task in done]
            return ends[-1] if isinstance(ends[-1], _End) else _End(troubles.cut())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, transport: Transport) -> _End:
        try:
            while True:
                line = await transport.receive()
                if line is None:
                    return _End(troubles.cut())
                self._heard = True
                while not self._user.may_read():
                    self._wake.clear()
                    await self._wake.wait()
                if (end := await self._take(parse(line))) is not None:
                    return end
        except Desync as error:
            return _End(troubles.cut(str(error)), fault=True)
        except SalutError as error:
            return _End(error, final=error.code in ("unavailable", "denied"), fault=True)
        except OSError as error:
            return _End(troubles.cut(str(error)))

    async def _take(self, message: Incoming) -> _End | None:
        if message.method == "hello":
            self._welcome(message)
        elif message.method == "ping" and message.id is not None:
            await self.send(encode({"id": message.id, "result": {}}))
        elif message.method == "goodbye":
            bye = _decode(message.params, Goodbye)
            error = troubles.farewell(bye.code, bye.message)
            return _End(error, final=bye.code in FOR_GOOD, restart=bye.code != "stopping")
        elif self.hello is None and message.error is not None and message.id is None:
            return _End(lines.error_of(message.error), final=True)  # such as to a stranger
        else:
            self._user.incoming(message)
        return None

    def _welcome(self, message: Incoming) -> None:
        lines.check_hello(_decode(message.params, dict[str, Any]))
        self.hello = _decode(message.params, Hello)
        self._show(LinkView("connected"))
        first, self._first = self._first, None
        if first is not None and not first.done():
            first.set_result(None)

    async def _greet(self) -> _End:
        """Send what is first, then see that the daemon introduces itself in time."""
        await self._user.opened()
        await asyncio.sleep(HANDSHAKE_SECONDS)
        if self.hello is None and self._user.may_read():
            return _End(troubles.no_answer("hello", HANDSHAKE_SECONDS))
        await asyncio.Event().wait()  # it did: this part has nothing more to do
        raise AssertionError

    async def _ping(self) -> _End:
        """Say that we live, and see that the daemon does. While we do not read, its silence says nothing."""
        misses = 0
        number = 0
        while misses < MISSES:
            self._heard = False
            number += 1
            await self.send(encode({"id": f"w{number}", "method": "ping", "params": {}}))
            await asyncio.sleep(self._ping_seconds)
            misses = 0 if self._heard or not self._user.may_read() else misses + 1
        return _End(troubles.quiet(self._ping_seconds * MISSES))

    def _drop(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _show(self, view: LinkView) -> None:
        if view == self.view:
            return
        self.view = view
        for watcher in tuple(self._watchers):
            watcher(view)


@dataclass(frozen=True, slots=True)
class _End:
    """How a connection ended. ``restart``: the daemon may be started again; ``fault``: it spoke nonsense."""

    error: SalutError
    final: bool = False
    restart: bool = True
    fault: bool = False


def _waits() -> Iterator[float]:
    wait = FIRST_WAIT
    while True:
        yield wait * random.uniform(0.5, 1.0)  # noqa: S311 - spreads windows out, guards nothing
        wait = min(wait * 2, LONGEST_WAIT)


def _decode(raw: msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise troubles.not_ours(str(error)) from error


def _report(name: str, error: BaseException) -> None:
    """A fault of our own: the loop's handler says it."""
    asyncio.get_running_loop().call_exception_handler({"message": f"{name} failed", "exception": error})
