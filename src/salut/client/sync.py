# SPDX-License-Identifier: AGPL-3.0-or-later
"""The typed face for scripts without ``await``: the same client, its loop in a thread of its own.

with salut.client.sync.connect() as client:
    client.call(ChatApi.send, profile="alice", to="bob@localhost", body="Hi")
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from salut.api.contract import Contract
from salut.client import aio
from salut.client.aio import Answer
from salut.client.link import LinkView
from salut.client.replica import Event, Replica
from salut.client.stream import Stream
from salut.client.timeline import Load, Timeline

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


class _Loop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="salut-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` there and wait for it; an interrupt here cancels it there."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def connect(
    target: str = "unix:",
    *,
    contracts: Iterable[Contract] | None = None,
    start: bool = True,
    command: Sequence[str] | None = None,
    call_seconds: float = aio.CALL_SECONDS,
) -> Client:
    """Connect; parameters and errors as ``salut.client.aio.connect``."""
    loop = _Loop()
    connecting = aio.connect(
        target, contracts=contracts, start=start, command=command, call_seconds=call_seconds
    )
    try:
        return Client(loop, loop.run(connecting))
    except BaseException:
        loop.stop()
        raise


class Client:
    """The synchronous twin of ``salut.client.aio.Client``; for one thread at a time. A context manager."""

    def __init__(self, loop: _Loop, client: aio.Client) -> None:
        self._loop = loop
        self._client = client
        self._closed = False

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection and the thread. May be called twice."""
        if not self._closed:
            self._closed = True
            self._loop.run(self._client.close())
            self._loop.stop()

    def look(self, question: Callable[[Replica], T]) -> T:
        """Ask the replica something between two changes: ``client.look(lambda r: r.all("alice", Room))``."""

        async def asked() -> T:
            return question(self._client.replica)

        return self._loop.run(asked())

    @property
    def link(self) -> LinkView:
        """How this window stands to the daemon now."""
        return self._client.link

    def call(
        self, method: Callable[Concatenate[S, P], Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """See ``aio.Client.call``."""
        return self._loop.run(self._client.call(method, *args, **kwargs))

    def ask(
        self, method: Callable[Concatenate[S, P], Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Answer[R]:
        """See ``aio.Client.ask``."""
        return self._loop.run(self._client.ask(method, *args, **kwargs))

    def request(self, method: str, params: Mapping[str, Any], *, repeatable: bool = False) -> Any:
        """See ``aio.Client.request``."""
        return self._loop.run(self._client.request(method, params, repeatable=repeatable))

    def attach(self, name: str, **params: Any) -> str:
        """See ``aio.Client.attach``."""
        return self._loop.run(self._client.attach(name, **params))

    def reached(self, seq: Mapping[str, int], timeout: float = aio.REACH_SECONDS) -> None:
        """See ``aio.Client.reached``."""
        self._loop.run(self._client.reached(seq, timeout))

    def focus(self, *, focused: bool, idle: bool = False) -> None:
        """See ``aio.Client.focus``."""
        self._loop.run(self._client.focus(focused=focused, idle=idle))

    def load(self, timeline: Timeline, load: Load | None) -> bool:
        """See ``aio.Client.load``."""
        return self._loop.run(self._client.load(timeline, load))

    def changes(self, *, limit: int = aio.STREAM_LIMIT) -> Iterator[Event]:
        """All events from now on; ends when the client is closed for good."""

        async def opened() -> Stream:
            return self._client.changes(limit=limit)

        stream = self._loop.run(opened())

        def events() -> Iterator[Event]:
            while batch := self._loop.run(stream.batch()):
                yield from batch

        return events()
