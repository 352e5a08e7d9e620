# SPDX-License-Identifier: AGPL-3.0-or-later
"""Being attached: the first time, and resumed after every cut; who waits for which position."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from salut.api.wire import Attached, AttachParams, Changes, Passing, Position, Start
from salut.client import dialogue, troubles
from salut.client.dialogue import Incoming
from salut.client.link import Link
from salut.client.replica import Desync, Event, Replica, Reset
from salut.model.errors import SalutError


class _Passings(msgspec.Struct):
    items: list[Passing]


class Attachment:
    """Feeds a replica from one connection after another."""

    def __init__(self, replica: Replica, link: Link) -> None:
        self.window = ""  # this window's id on the present connection
        self.params: AttachParams | None = None
        self._replica = replica
        self._link = link
        self._request = 0  # the id of the attach request on the present connection
        self._first: asyncio.Future[None] | None = None
        self._stumbled: dict[str, Position | None] = {}  # where a journal went wrong last
        self._distrusted: set[str] = set()  # journals that went wrong twice at one place
        self._gone: set[str] = set()
        self._reach: list[tuple[Mapping[str, int], asyncio.Future[None]]] = []
        replica.subscribe(self._note)

    async def attach(self, params: AttachParams, request: int, seconds: float) -> str:
        """Attach for the first time. Returns the window's id; raises the daemon's refusal."""
        if self.params is not None:
            raise troubles.attached_already()
        if params.want == "changes":
            self._replica.hold_nothing()
        self.params = params
        first = self._first = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self.send(request)
                await first
        except TimeoutError:
            raise troubles.no_answer("attach", seconds) from None
        finally:
            if first.cancelled() or not first.done() or first.exception() is not None:
                self.params = None  # it may be tried again, with other parameters
                self._first = None
                self._request = 0
        return self.window

    @property
    def stands(self) -> bool:
        """Whether a window's wish to be attached has left on the present connection, or there is none: what is
        asked before it would be answered without the limits that it sets."""
        return self.params is None or bool(self._request)

    def disconnected(self) -> None:
        """The connection is gone; on the next one we are not attached from its first moment."""
        self._request = 0

    async def send(self, request: int) -> None:
        """Attach on the present connection, from where the replica stands, if that is still to be done."""
        if self.params is None or self._request or not self._link.open:
            return
        resume = {**self.params.resume, **self._replica.position()}
        if self.params.want == "state":
            resume = {name: place for name, place in resume.items() if name not in self._distrusted}
        self._request = request
        params = msgspec.structs.replace(self.params, resume=resume)
        await self._link.send(dialogue.encode({"id": request, "method": "attach", "params": params}))

    def answer(self, message: Incoming) -> bool:
        """Take an answer if it is that of ``attach``."""
        if not self._request or message.id != self._request or self._first is None:
            return False
        error = dialogue.failure(message)
        if error is None:
            attached = dialogue.convert(message.result, Attached)
            self.window = attached.window
            self._distrusted.clear()
            self._trusting(lambda: self._replica.attached(attached))
            if not self._first.done():
                self._first.set_result(None)
            self._wake()
        elif self._first.done():
            raise error  # it was good before: another connection may be
        else:
            self._first.set_exception(error)
        return True

    def told(self, message: Incoming) -> None:
        """Take a notification about the shared state; what is not known is of a later version: ignored."""
        if message.method == "changes":
            changes = dialogue.convert(message.params, Changes)
            self._trusting(lambda: self._replica.apply(changes))
        elif message.method == "start":
            start = dialogue.convert(message.params, Start)
            self._trusting(lambda: self._replica.start(start))
        elif message.method == "passing":
            self._replica.passing(dialogue.convert(message.params, _Passings).items)
        self._wake()

    def _trusting(self, step: Callable[[], None]) -> None:
        """Do a step; a journal that goes wrong twice at one place is not resumed but begun anew."""
        try:
            step()
        except Desync as error:
            place = self._replica.position().get(error.journal)
            if self._stumbled.get(error.journal, error) == place:
                self._distrusted.add(error.journal)
            self._stumbled[error.journal] = place
            raise

    # Who waits for what.

    async def reached(self, seq: Mapping[str, int], seconds: float) -> None:
        """Wait until the replica holds these positions."""
        if self._is_reached(seq):
            return
        waiter: tuple[Mapping[str, int], asyncio.Future[None]]
        waiter = (seq, asyncio.get_running_loop().create_future())
        self._reach.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter[1]
        except TimeoutError:
            raise troubles.quiet(seconds) from None
        finally:
            self._reach.remove(waiter)

    def _is_reached(self, seq: Mapping[str, int]) -> bool:
        held = self._replica.position()
        only = self.params.profiles if self.params is not None else None
        return all(
            name in self._gone
            or (only is not None and name not in only and name != "")
            or (name in held and held[name].seq >= number)
            for name, number in seq.items()
        )

    def _note(self, event: Event) -> None:
        if isinstance(event, Reset):
            (self._gone.add if event.gone else self._gone.discard)(event.journal)

    def _wake(self) -> None:
        for seq, future in self._reach:
            if not future.done() and self._is_reached(seq):
                future.set_result(None)

    def finish(self, error: SalutError) -> None:
        """There will be no other connection: nobody waits in vain."""
        waiting = [future for _, future in self._reach]
        if self._first is not None:
            waiting.append(self._first)
        for future in waiting:
            if not future.done():
                future.set_exception(error)
