# SPDX-License-Identifier: AGPL-3.0-or-later
"""One connected window, whatever carries it: requests in, answers and changes out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

import salut
from salut.api.contract import DAEMON_JOURNAL
from salut.api.core import Window
from salut.api.wire import (
    MAX_FRAME,
    MAX_IN_FLIGHT,
    PROTOCOL,
    AttachParams,
    Hello,
    Position,
    Start,
)
from salut.bridge import rpc
from salut.bridge.bounds import Bounds
from salut.bridge.feed import Feed, Place
from salut.engine.attach import Wish, begin, rows_after
from salut.engine.batch import Batch, PassingBatch
from salut.engine.dispatcher import Caller, decode_params
from salut.engine.engine import JOURNAL_KEPT, Engine
from salut.model import moment
from salut.model.errors import SalutError
from salut.model.owner import TaskOwner
from salut.model.words import _

_encode = msgspec.json.Encoder().encode
MAX_TOPICS = 64
MAX_TOPIC = 2_048


class Focus(msgspec.Struct, frozen=True):
    """Parameters of ``focus``."""

    focused: bool = False
    idle: bool = False


class Topics(msgspec.Struct, frozen=True):
    """Parameters of ``topics``."""

    topics: list[str]


_attach_params = msgspec.json.Decoder(AttachParams)
_focus_params = msgspec.json.Decoder(Focus)
_topics_params = msgspec.json.Decoder(Topics)


def bounded_topics(topics: list[str]) -> tuple[str, ...]:
    """Topics within their bounds."""
    return tuple(topic[:MAX_TOPIC] for topic in topics[:MAX_TOPICS])


def _gone(journal: str) -> Start:
    return Start(journal=journal, position=Position("", 0), resumed=False, reset="gone")


class WindowSession:
    """The conversation with one window. The binding feeds ``line`` and writes what ``next_bytes`` gives."""

    def __init__(
        self,
        engine: Engine,
        binding: str,
        caller: Caller,
        log: structlog.stdlib.BoundLogger,
        bounds: Bounds | None = None,
    ) -> None:
        self._engine = engine
        self._binding = binding
        self._caller = caller
        self._log = log
        self._bounds = bounds or Bounds()
        self.feed = Feed(self._bounds)
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._closed = False
        self._owner = TaskOwner(lambda name, error: log.error("request failed", request=name, exc_info=error))
        self._in_flight = 0
        self._attached = ""
        self._wish: AttachParams | None = None
        self._topics: tuple[str, ...] = ()
        self._new_journals: list[str] = []
        self._unlisten: Callable[[], None] = lambda: None
        self.goodbye = ""  # set when the connection is to end, after the queue was written
        self.ending = asyncio.Event()
        self._send(rpc.notice_line("hello", self._hello()))

    def _hello(self) -> Hello:
        return Hello(
            server="salut",
            version=salut.__version__,
            protocol=PROTOCOL,
            instance=self._engine.instance,
            capabilities={
                "journal": {"limit": JOURNAL_KEPT},
                "frame": {"max": MAX_FRAME},
                "requests": {"in_flight": MAX_IN_FLIGHT},
            },
            auth=["peer"],
        )

    def wake(self) -> None:
        """Something was put into the feed from outside."""
        self._wake.set()

    def _send(self, line: bytes) -> None:
        self.feed.answer(line)
        self._wake.set()

    def end(self, code: str, message: str) -> None:
        """Say why, then close."""
        if not self.goodbye:
            self.goodbye = code
            self.ending.set()
            self._send(rpc.notice_line("goodbye", {"code": code, "message": message}))

    # In
    async def room(self) -> None:
        """Wait until the window has taken enough of its answers; the binding reads no further line before."""
        while self.feed.full and not self._closed:
            self._room.clear()
            await self._room.wait()

    def line(self, line: bytes) -> None:
        """One line from the window. Never raises for what a window can send."""
        try:
            incoming = rpc.read(line)
        except SalutError as error:
            self._send(rpc.error_line(None, error))
            return
        if incoming.method is None:
            return  # the answer to our ping: that it came is all we want
        assert incoming.id is not None
        if self._in_flight >= MAX_IN_FLIGHT:
            words = _("Too many requests at once; at most {} may be unanswered.").format(MAX_IN_FLIGHT)
            self._send(rpc.error_line(incoming.id, SalutError("busy", words, {"limit": MAX_IN_FLIGHT})))
            return
        self._in_flight += 1
        self._owner.spawn(
            self._serve(incoming.id, incoming.method, bytes(incoming.params)), incoming.method[:80]
        )

    async def _serve(self, key: int | str, method: str, params: bytes) -> None:
        try:
            if method == "attach":
                await self._attach(key, params)
                return
            if method in ("ping", "focus", "topics"):
                result = self._own_method(method, params)
            else:
                result = await self._engine.dispatcher.call(self._caller, method, params)
            self._send(rpc.result_line(key, result))
        except SalutError as error:
            self._send(rpc.error_line(key, error))
        except Exception as error:  # noqa: BLE001 - every request is answered, whatever failed; it is logged
            self._log.exception("request failed", request=method[:80])
            words = _("{} failed inside the daemon ({}). The daemon's log says more: jp daemon log")
            failed = SalutError("internal", words.format(method[:80], type(error).__name__))
            self._send(rpc.error_line(key, failed))
        finally:
            self._in_flight -= 1

    def _own_method(self, method: str, params: bytes) -> bytes:
        if method == "ping" or not self._attached or self._closed:
            return b"{}"
        if method == "topics":
            topics: Topics = decode_params(_topics_params, params)
            self._set_topics(topics.topics)
        else:
            focus: Focus = decode_params(_focus_params, params)
            window = self._engine.windows.get(self._attached)
            self._engine.windows.update(
                msgspec.structs.replace(window, focused=focus.focused, idle=focus.idle)
            )
        return b"{}"

    def _set_topics(self, topics: list[str]) -> None:
        """Other topics from now on; the objects of the new ones come at once."""
        before = self._topics
        self._topics = bounded_topics(topics)
        for mark, encoded in self._engine.journal.passing_now().items():
            if self._wants_passing(mark) and not self._topic_of(mark, before):
                self.feed.passing(mark, encoded)
        self._wake.set()

    # Attach
    async def _attach(self, key: int | str, params: bytes) -> None:
        wish: AttachParams = decode_params(_attach_params, params)
        if self._wish is not None:
            raise SalutError("conflict", _("This connection is attached already."))
        self._wish = wish
        self._topics = bounded_topics(wish.topics)
        self._caller.name = wish.window.name[:64]
        if wish.profiles is not None:
            mine = frozenset(wish.profiles)
            self._caller.profiles = mine if self._caller.profiles is None else self._caller.profiles & mine
        journals = self._engine.journal.journals.pids
        try:
            begun = await self._starts([name for name in journals if self._sees(name)], wish.resume)
        except SalutError:
            self._wish = None  # the window may try again
            raise
        starts = self._still(begun)
        held = {start.journal for start in starts}
        self._new_journals += [name for name in journals if self._sees(name) and name not in held]
        # From here to the end nothing waits: the answer and the first change after it leave no gap.
        window = Window(
            id=self._engine.windows.new_id(),
            name=self._caller.name,
            kind=wish.window.kind[:32],
            version=wish.window.version[:32],
            since=moment.now(),
            binding=self._binding,
        )
        self._caller.id = self._attached = window.id
        passing = [
            msgspec.Raw(encoded)
            for mark, encoded in self._engine.journal.passing_now().items()
            if self._wants_passing(mark)
        ]
        gone = [
            _gone(name)
            for name in wish.resume
            if name not in self._engine.journal.journals.pids or not self._sees(name)
        ]
        attached = {"window": window.id, "journals": starts + gone, "passing": passing}
        self._send(rpc.result_line(key, _encode(attached)))
        for start in starts:
            self._join(start)
        self._unlisten = self._engine.bus.listen(self._published)
        self._engine.profiles.on_journal.append(self._journal_changed)
        self._engine.windows.add(
            window,
            lambda: self.end("kicked", _("Another window ended this one's connection.")),
            self.feed.behind,
        )

    def _sees(self, journal: str) -> bool:
        return journal == DAEMON_JOURNAL or self._caller.sees(journal)

    def _join(self, start: Start) -> None:
        head = self._engine.journal.heads.get(start.journal, 0)
        self.feed.join(start.journal, start.position.seq, max(head, start.position.seq))

    def _still(self, starts: list[Start]) -> list[Start]:
        """Those whose journal was not deleted (or made anew) while they were read."""
        journal = self._engine.journal
        there = {name: journal.epoch_of(name) for name in journal.journals.pids}
        return [start for start in starts if there.get(start.journal) == start.position.epoch]

    async def _starts(self, names: list[str], resume: dict[str, Position]) -> list[Start]:
        assert self._wish is not None
        wish = self._wish
        journal = self._engine.journal
        begun = [
            (
                Wish(name, resume.get(name), wish.want == "state", max(0, wish.conversations)),
                journal.journals.pids[name],
            )
            for name in names
        ]
        return await self._engine.readers.read(
            lambda read: [begin(read, each, pid, journal.lives, self._engine.snapshot) for each, pid in begun]
        )

    def _journal_changed(self, name: str, there: bool) -> None:
        if not self._sees(name):
            return
        if there:
            self._new_journals.append(name)
            self._wake.set()
        else:
            self.feed.leave(name)
            self._send(rpc.notice_line("start", _gone(name)))

    # Out
    def _wants_passing(self, mark: tuple[str, str, str]) -> bool:
        journal, name, _key = mark
        if not self._sees(journal):
            return False
        kind = self._engine.registry.kinds.get(name)
        return kind is None or not kind.topic or self._topic_of(mark, self._topics)

    @staticmethod
    def _topic_of(mark: tuple[str, str, str], topics: tuple[str, ...]) -> bool:
        journal, name, key = mark
        return f"{name}:{journal}:{key}".startswith(topics) if topics else False

    def _published(self, batch: Batch | PassingBatch) -> None:
        if isinstance(batch, Batch):
            self.feed.publish(batch)
        else:
            for journal, name, key, encoded in batch.items:
                if self._wants_passing((journal, name, key)):
                    self.feed.passing((journal, name, key), encoded)
        if self.feed.overrun:
            self.end("slow", _("This window did not read for too long."))
        self._wake.set()

    async def next_bytes(self) -> bytes:
        """What to write next; waits until there is something. Empty when the window was closed."""
        while True:
            data = self.feed.take()
            self._room.set()
            if data or self._closed:
                return data
            if self._new_journals:
                await self._begin_new()
                continue
            hungry = self.feed.hungry()
            if hungry is not None:
                await self._feed_from_journal(hungry)
                continue
            self._wake.clear()
            await self._wake.wait()

    async def _begin_new(self) -> None:
        """Journals that began after the attach, or that were trimmed below this window."""
        assert self._wish is not None
        pids = self._engine.journal.journals.pids
        names = [name for name in dict.fromkeys(self._new_journals) if name in pids]
        self._new_journals.clear()
        resume: dict[str, Position] = {}
        if self._wish.want == "changes":  # all that there is of it, for it was never told of any
            resume = {name: Position(self._engine.journal.epoch_of(name), 0) for name in names}
        for start in self._still(await self._starts(names, resume)):
            self._send(rpc.notice_line("start", start))
            self._join(start)

    async def _feed_from_journal(self, place: Place) -> None:
        number = self._engine.journal.journals.pids[place.journal]  # its end takes the place away
        after = place.sent
        rows = await self._engine.readers.read(
            lambda read: rows_after(read, number, after, self._bounds.feed_rows, self._bounds.feed_bytes)
        )
        if rows and not rows[0].startswith(b'{"seq":%d,' % (after + 1)):
            if self.feed.places.get(place.journal) is place:
                self.feed.stop(place.journal)  # trimmed below this window: it begins anew
                self._new_journals.append(place.journal)
            return
        self.feed.fed(place, after, rows)

    def detach(self) -> None:
        """The connection is gone: hear of nothing any more."""
        if self._closed:
            return
        self._closed = True
        self._unlisten()
        if self._attached:
            self._engine.windows.remove(self._attached)
            self._engine.profiles.on_journal.remove(self._journal_changed)
        self._room.set()
        self._wake.set()

    async def close(self) -> None:
        """The connection is gone; ends what the window still asked for (but writes, which end by themselves)."""
        self.detach()
        await self._owner.close()
