# SPDX-License-Identifier: AGPL-3.0-or-later
"""The typed asynchronous face of the SDK.

    client = await salut.client.connect()
    await client.attach("my window")
    message = await client.call(ChatApi.send, profile="alice", to="bob@localhost", body="Hi")

A client keeps its connection: after a cut it comes back by itself, resumes where it was, and repeats the
calls that can be repeated without harm (reads, and writes by their ``op``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, Final, Generic, Literal, ParamSpec, TypeVar

from salut.api.contract import Contract
from salut.api.wire import PING_SECONDS, AttachParams, Position, WindowInfo
from salut.client import dialogue, troubles
from salut.client.attachment import Attachment
from salut.client.calls import Calls
from salut.client.dialogue import Again, Incoming, PlainReply
from salut.client.kinds import Kinds, installed_contracts
from salut.client.link import Link, LinkView
from salut.client.replica import Replica
from salut.client.stream import Stream
from salut.client.timeline import Load, Timeline
from salut.client.transport import Opener, unix_opener
from salut.client.wire import new_op
from salut.model.errors import SalutError
from salut.plugins.history.api import HistoryApi

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

CALL_SECONDS: Final = 30.0
REACH_SECONDS: Final = 10.0
STREAM_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Answer(Generic[R]):
    """A call's value, and where its effect shows (journal -> ``seq``)."""

    value: R
    seq: Mapping[str, int]


async def connect(
    target: str = "unix:",
    opener: Opener | None = None,
    *,
    contracts: Iterable[Contract] | None = None,
    start: bool = True,
    command: Sequence[str] | None = None,
    call_seconds: float = CALL_SECONDS,
    ping_seconds: float = PING_SECONDS,
    skip: Collection[str] = (),
) -> Client:
    """Connect a client. ``target`` is ``unix:``, ``unix:/path/of.sock`` or ``inprocess:`` (with ``opener``).

    ``contracts`` say how values are typed (default: all that are installed); ``start``: start the daemon
    when it does not run, ``command`` with what; ``skip``: kinds that the replica passes on but does not
    hold. Raises ``SalutError``: ``no-daemon`` with the reason, ``denied``, ``unavailable`` (its protocol).
    """
    scheme, _, path = target.partition(":")
    if opener is None:
        if scheme != "unix":
            raise troubles.no_opener(target)
        opener = unix_opener(path, command)
    kinds = Kinds(installed_contracts() if contracts is None else contracts)
    client = Client(
        opener, kinds, start=start, call_seconds=call_seconds, ping_seconds=ping_seconds, skip=skip
    )
    await client.begin()
    return client


class Client:
    """A window's connection to the daemon. Made by ``connect``; an async context manager."""

    def __init__(
        self,
        opener: Opener,
        kinds: Kinds,
        *,
        start: bool = True,
        call_seconds: float = CALL_SECONDS,
        ping_seconds: float = PING_SECONDS,
        skip: Collection[str] = (),
    ) -> None:
        self.call_seconds = call_seconds
        self.replica = Replica(kinds, skip=skip, on_error=_report)
        self._link = Link(opener, self, start=start, ping_seconds=ping_seconds)
        self._calls = Calls(lambda: self._attachment.stands)
        self._attachment = Attachment(self.replica, self._link)
        self._streams: list[Stream] = []
        self._held = False
        self._focus: dict[str, bool] | None = None

    async def begin(self) -> None:
        """Open the first connection (``connect`` does)."""
        await self._link.begin()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection, all streams and all calls (with ``cancelled``). May be called twice."""
        await self._link.close()
        self._finish(troubles.closed())

    # Calls.

    async def call(
        self, method: Callable[Concatenate[S, P], Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call a method of the contract: ``await client.call(ChatApi.send, profile=…, to=…, body=…)``.

        Bounded by ``call_seconds`` beyond the ``timeout`` or ``wait`` seconds among its own parameters.
        Raises the daemon's ``SalutError``; ``timeout``; ``no-daemon`` when the connection was lost and did
        not come back in time, or at once for a call that must not be repeated.
        """
        return (await self.ask(method, *args, **kwargs)).value

    async def ask(
        self, method: Callable[Concatenate[S, P], Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Answer[R]:
        """The same, with the positions at which the effect shows (for ``reached``)."""
        known = dialogue.signature(method)
        if args:
            raise TypeError("contract methods take keyword arguments only")
        params: dict[str, Any] = dict(kwargs)
        if known.write:
            params["op"] = new_op()
        raw = await self._exchange(known.name, params, known.again)
        reply = dialogue.convert(raw, PlainReply)
        return Answer(dialogue.convert(reply.value, known.result), reply.seq)

    async def request(self, method: str, params: Mapping[str, Any], *, repeatable: bool = False) -> Any:
        """Any method by its name on the wire, with its plain result (for tools that know no struct).

        ``repeatable`` says that it may be sent again after a cut: it reads, or carries an ``op``.
        """
        again = Again.ALWAYS if repeatable else Again.NEVER
        return dialogue.convert(await self._exchange(method, dict(params), again), Any)

    async def load(self, timeline: Timeline, load: Load | None) -> bool:
        """Fetch what a timeline asks for: ``await client.load(timeline, timeline.older())``.

        False if it asked for nothing. Errors as ``call``; the timeline may then ask again.
        """
        if load is None:
            return False
        try:
            answer = await self.ask(
                HistoryApi.page, profile=load.profile, conversation=load.conversation,
                before=load.before, after=load.after, since=load.since, limit=load.limit,
            )  # fmt: skip
        except BaseException:
            timeline.failed(load)
            raise
        timeline.loaded(load, answer.value, answer.seq.get(load.profile, 0))
        return True

    async def _exchange(self, method: str, params: dict[str, Any], again: Again) -> Any:
        own = (params.get("timeout"), params.get("wait"))
        seconds = self.call_seconds + max((w for w in own if isinstance(w, (int, float))), default=0.0)
        return await self._calls.exchange(self._link, method, params, again, seconds)

    # The shared state.

    async def attach(
        self,
        name: str,
        *,
        kind: str = "other",
        version: str = "",
        want: Literal["state", "changes"] = "state",
        profiles: list[str] | None = None,
        resume: Mapping[str, Position] | None = None,
        topics: Sequence[str] = (),
        conversations: int = 20,
    ) -> str:
        """Attach this window, and again after each cut, resumed. Returns the window's id.

        The parameters are those of ``salut.api.wire.AttachParams``. Once per client.
        """
        self._calls.check_open()
        params = AttachParams(
            window=WindowInfo(name=name, kind=kind, version=version), want=want, profiles=profiles,
            resume=dict(resume or {}), topics=list(topics), conversations=conversations,
        )  # fmt: skip
        return await self._attachment.attach(params, self._calls.new_id(), self.call_seconds)

    @property
    def window(self) -> str:
        """This window's id on the present connection; empty before ``attach``."""
        return self._attachment.window

    def changes(self, *, limit: int = STREAM_LIMIT) -> Stream:
        """All events from now on (call it before ``attach`` to get the snapshot too)."""
        stream = Stream(limit, self._link.wake)
        end = self.replica.subscribe(stream.put)

        def closed() -> None:
            end()
            self._streams.remove(stream)
            self._link.wake()

        self._streams.append(stream)
        stream.on_close(closed)
        if self._link.view.state == "closed":
            stream.close()
        return stream

    async def reached(self, seq: Mapping[str, int], timeout: float = REACH_SECONDS) -> None:
        """Wait until the replica holds these positions: ``await client.reached(answer.seq)``.

        ``timeout`` (seconds) as an error. Journals that are gone, or that this window does not see by its
        ``profiles``, count as reached.
        """
        self._calls.check_open()
        await self._attachment.reached(seq, timeout)

    async def focus(self, *, focused: bool, idle: bool = False) -> None:
        """Tell whether the person looks at this (attached) window; told again after each cut."""
        self._focus = {"focused": focused, "idle": idle}
        await self.request("focus", self._focus, repeatable=True)

    # The connection.

    @property
    def link(self) -> LinkView:
        """How this window stands to the daemon now."""
        return self._link.view

    def on_link(self, watcher: Callable[[LinkView], None]) -> Callable[[], None]:
        """Have ``watcher`` called for each change of ``link``. Call what it returns to end."""
        return self._link.watch(watcher)

    def hold(self) -> None:
        """Stop reading, as a stuck window would; pings are still sent."""
        self._held = True

    def release(self) -> None:
        """Read on."""
        self._held = False
        self._link.wake()

    def reconnect(self) -> None:
        """Cut the connection and come back (for tests, and after a suspend)."""
        self._link.again()

    # What the link tells (``LinkUser``).

    async def opened(self) -> None:
        """A connection is open: attach first, then what waits."""
        await self._attachment.send(self._calls.new_id())
        if self._attachment.params is not None and self._focus is not None:
            line = dialogue.encode({"id": self._calls.new_id(), "method": "focus", "params": self._focus})
            await self._link.send(line)
        await self._calls.submit_all(self._link)

    def incoming(self, message: Incoming) -> None:
        """An answer or a notification."""
        if message.method:
            self._attachment.told(message)
        elif not self._attachment.answer(message):
            self._calls.answer(message)

    def may_read(self) -> bool:
        """Whether the link may read: not held, and room in the streams (or an answer is awaited)."""
        return not self._held and (len(self._calls) > 0 or not any(stream.full for stream in self._streams))

    def interrupted(self, error: SalutError, final: bool) -> None:
        """The connection is gone."""
        self._attachment.disconnected()
        self._calls.interrupted(error)
        if final:
            self._finish(error)

    def _finish(self, error: SalutError) -> None:
        self._calls.finish(error)
        self._attachment.finish(error)
        for stream in tuple(self._streams):
            stream.close()


def _report(error: Exception) -> None:
    """What a subscriber raised: the loop's handler says it."""
    asyncio.get_running_loop().call_exception_handler({"message": "subscriber failed", "exception": error})
