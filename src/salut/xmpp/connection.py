# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shell that carries out what the state machines say: attempts, live wire, acknowledgements, liveness."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from salut.model.link import LinkState
from salut.model.link import LinkWord as Stage
from salut.model.owner import TaskOwner
from salut.xmpp.attempt import Arrival, Attempts
from salut.xmpp.clock import Clock
from salut.xmpp.config import SessionConfig
from salut.xmpp.errors import BusyError, Failure, LinkFailureError, OfflineError
from salut.xmpp.link import Attempt, Command, Drop, Link, Probe, Wake
from salut.xmpp.liveness import TICK, Liveness
from salut.xmpp.log import Log
from salut.xmpp.negotiate import Resume
from salut.xmpp.receive import Receiver
from salut.xmpp.sm import NS, CountError, Management
from salut.xmpp.wire import Wire

STANZA_STARTS = ("<message", "<presence", "<iq")
MOST_BUFFERED = 8 * 2**20
"""Bytes that the network may owe us before sending is refused."""
FAREWELL = 1.0
"""Seconds that a clean end waits for the server's last acknowledgement."""
ASK = f"<r xmlns='{NS}'/>"


class User(Protocol):
    """What the connection tells the session."""

    config: SessionConfig

    def state_changed(self, state: LinkState) -> None:
        """``state`` is new."""

    def established(self, arrival: Arrival) -> None:
        """A stream stands, and stanzas may be sent; none that came was handed over yet."""

    def broken(self, failure: Failure, hopeless: bool) -> None:
        """The stream ended. ``hopeless``: no answer to what was asked on it can come any more."""

    def acked(self, keys: list[str]) -> None:
        """The server has these."""

    def lost(self, keys: list[str]) -> None:
        """Nobody knows whether the server has these."""

    def probe(self) -> None:
        """Ask the server something that it has to answer."""


class Connection:
    """One account's link to its server."""

    def __init__(
        self,
        user: User,
        attempts: Attempts,
        owner: TaskOwner,
        log: Log,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._user = user
        self._attempts = attempts
        self._owner = owner
        self._log = log
        self._clock = clock
        self._link = Link(clock, jitter)
        self._told = self._link.state
        self._attempt: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[object]] = set()
        self._wire: Wire | None = None
        self._liveness = Liveness(clock)
        self._management: Management | None = None
        self.receiver: Receiver

    @property
    def state(self) -> LinkState:
        """The present state."""
        return self._link.state

    @property
    def online(self) -> bool:
        """Whether stanzas can be sent."""
        return self._wire is not None

    def start(self) -> None:
        """Wish to be online."""
        self._apply(self._link.start())

    async def stop(self) -> None:
        """Be offline; returns when nothing is left open."""
        self._apply(self._link.stop())
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    def connect_now(self) -> None:
        """Wait no longer."""
        self._apply(self._link.connect_now())

    def reconfigure(self) -> None:
        """What was configured is obsolete."""
        self._attempts.forget()
        self._apply(self._link.reconfigure())

    # ---- sending

    def transmit(self, text: str, track: str | None = None) -> None:
        """Send one stanza. Raises ``OfflineError`` or ``BusyError``, and nothing was sent."""
        wire, management = self._wire, self._management
        if wire is None:
            raise OfflineError("not connected")
        if wire.buffered > MOST_BUFFERED or (management is not None and management.outbox.full):
            raise BusyError("the server does not take what is sent to it")
        if management is not None:
            management.outbox.add(text, track)
        wire.write(text)
        if track is not None and management is None:
            asyncio.get_running_loop().call_soon(self._user.acked, [track])

    def reply(self, text: str) -> None:
        """Send what answers the stream itself. While the stream is broken but may be resumed, a stanza waits
        for that; else it has lost its purpose."""
        if not text.startswith(STANZA_STARTS):
            if self._wire is not None:
                self._wire.write(text)
            return
        try:
            self.transmit(text)
        except OfflineError:
            management = self._management
            if management is not None and management.resumption and not management.outbox.full:
                management.outbox.add(text, None)
        except BusyError as error:
            self._log.warning("answer not sent", problem=str(error))

    def pause(self, paused: bool) -> None:
        """Stop reading, or go on."""
        if self._wire is not None:
            self._wire.pause(paused)

    def probe_sent(self) -> None:
        """A question is on its way that the server has to answer."""
        self._liveness.probed()

    def cut(self, failure: Failure) -> None:
        """Drop the connection, to be resumed."""
        wire = self._wire
        if wire is not None:
            self._ended(wire, self._link.number, failure)
            wire.abort()

    # ---- carrying out

    def _apply(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Attempt(number):
                    self._attempt = self._owner.spawn(self._run(number), f"connect {self._user.config.jid}")
                case Drop():
                    self._drop()
                case Wake(number, seconds):
                    self._timer = asyncio.get_running_loop().call_later(seconds, self._due, number)
                case Probe():
                    self._probe()
        self._tell()

    def _due(self, number: int) -> None:
        self._apply(self._link.due(number))

    def _tell(self) -> None:
        if self._link.state != self._told:
            self._told = self._link.state
            self._user.state_changed(self._told)

    async def _run(self, number: int) -> None:
        def progress(stage: Stage, endpoint: str) -> None:
            self._link.progress(number, stage, endpoint)
            self._tell()

        management = self._management
        resume = None
        if management is not None and management.resumption:
            resume = Resume(management.resumption, management.inbox.rewind())
        try:
            arrival = await self._attempts.run(self._user.config, resume, progress)
        except LinkFailureError as error:
            self._apply(self._link.failed(number, error.failure))
            return
        except Exception as error:
            self._apply(self._link.failed(number, Failure("internal", f"an error of ours: {error!r}")))
            raise
        try:
            self._establish(number, arrival)
        except Exception as error:
            arrival.wire.abort()
            if self._wire is arrival.wire:
                self._ended(arrival.wire, number, Failure("internal", f"an error of ours: {error!r}"))
            raise

    def _establish(self, number: int, arrival: Arrival) -> None:
        wire, established = arrival.wire, arrival.established
        if not self._link.online(number, str(arrival.endpoint)):
            wire.abort()
            return
        resent: list[str] = []
        if established.resumed and self._management is not None:
            self._credit(self._management, established.peer_h)
            resent = self._management.outbox.resend()
        else:
            self._forget(established.peer_h)
            self._management = Management(established.resumption) if established.managed else None
        management = self.receiver.management = self._management
        self._wire = wire
        self._liveness = Liveness(self._clock)
        wire.before_flush = self._ask if management is not None else str
        for text in resent:
            wire.write(text)
        self._user.established(arrival)
        self._tell()
        for element in established.early:
            self.receiver.early(element)
        if self._wire is not wire:  # somebody who was told has ended it
            return
        wire.go_live(
            self.receiver.element, lambda failure: self._ended(wire, number, failure), self._liveness.heard
        )
        if self.receiver.paused:
            wire.pause(True)
        self._tick = asyncio.get_running_loop().call_later(TICK, self._look)

    def _ask(self) -> str:
        return ASK if self._management is not None and self._management.outbox.ask() else ""

    def _ended(self, wire: Wire, number: int, failure: Failure) -> None:
        if wire is not self._wire:
            return
        self._detach()
        hopeless = failure.fatal or self._management is None or not self._management.resumption
        if hopeless:
            self._forget(None)
        self._attempts.redirected(failure, self._user.config)
        self._user.broken(failure, hopeless)
        self._apply(self._link.failed(number, failure))

    def _drop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._attempt is not None:
            self._attempt.cancel()
        wire = self._wire
        if wire is not None:
            management = self._management
            self._detach()
            self._management = None
            self._user.broken(Failure("closed", "we closed the stream"), True)
            task = self._owner.spawn(self._farewell(wire, management), f"close {self._user.config.jid}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        elif self._link.state.state == "offline":
            self._forget(None)

    def _detach(self) -> None:
        self._wire = None
        self.receiver.management = None
        if self._tick is not None:
            self._tick.cancel()

    async def _farewell(self, wire: Wire, management: Management | None) -> None:
        """Tell the server what we have, hear what it has, and close."""
        if management is not None:
            drained = asyncio.Event()
            self.receiver.farewell(wire, management, drained.set)
            wire.write(f"<a xmlns='{NS}' h='{management.inbox.h}'/>{ASK if len(management.outbox) else ''}")
            if len(management.outbox):
                try:
                    async with asyncio.timeout(FAREWELL):
                        await drained.wait()
                except TimeoutError:
                    self._log.warning(
                        "the server did not acknowledge the last stanzas", count=len(management.outbox)
                    )
        await wire.close()
        if management is not None and (keys := management.outbox.lost()):
            self._user.lost(keys)

    # ---- acknowledgements

    def _credit(self, management: Management, h: int | None) -> None:
        if h is None:
            return
        try:
            keys = management.outbox.acknowledged(h)
        except CountError as error:
            self._log.warning("acknowledgement without sense", problem=str(error))
            return
        if keys:
            self._user.acked(keys)

    def _forget(self, peer_h: int | None) -> None:
        """The managed session is over for good."""
        management, self._management = self._management, None
        if management is not None:
            self._credit(management, peer_h)
            if keys := management.outbox.lost():
                self._user.lost(keys)

    # ---- liveness

    def _look(self) -> None:
        self._tick = asyncio.get_running_loop().call_later(TICK, self._look)
        if self.receiver.paused:
            self._liveness.heard()  # we do not read, so silence means nothing
        verdict = self._liveness.tick()
        if verdict == "probe":
            self._probe()
        elif verdict == "woke":
            self._log.info("the machine slept", jid=self._user.config.jid)
            self._apply(self._link.woke())
        elif verdict == "dead":
            self.cut(Failure("timeout", "the server no longer answers"))

    def _probe(self) -> None:
        if self._wire is None:
            return
        self._liveness.probed()
        if self._management is not None:
            self._wire.write(ASK)
        else:
            self._user.probe()
