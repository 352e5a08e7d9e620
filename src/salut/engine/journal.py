# SPDX-License-Identifier: AGPL-3.0-or-later
"""The journal: the only road from the daemon to a window. Loop side; the writer's thread does the work.

A commit writes tables and journal rows in one transaction, gives the changes consecutive numbers, and only
then tells anyone: durable before visible.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec

from salut.api.ports import Tx
from salut.api.wire import Cause, Passing, Position
from salut.engine.batch import Batch, Bus, PassingBatch
from salut.engine.context import CURRENT, CallContext
from salut.engine.store import Lives
from salut.engine.writer import BatchWork, Journals, Outcome, Unit, Writer
from salut.model.errors import SalutError
from salut.model.promise import Promise

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


class Ticket(Promise):
    """The end of a unit of work, and for which call it is."""

    __slots__ = ("context",)

    def __init__(self, context: CallContext | None) -> None:
        super().__init__()
        self.context = context

    def cause(self) -> Cause | None:
        """For the changes of the unit."""
        return self.context.cause() if self.context is not None else None

    def ended(self, outcome: Outcome[object]) -> None:
        """The unit has ended."""
        if self.context is not None and outcome.error is None:
            self.context.seq[outcome.unit.journal] = outcome.seq
        self.settle(outcome.value, outcome.error)


class Journal:
    """Commits of all profiles, and the passing objects that have no number."""

    def __init__(self, bus: Bus, journals: Journals, lives: Lives) -> None:
        self.bus = bus
        self.journals = journals
        self.lives = lives
        self.heads: dict[str, int] = dict(journals.heads)  # published, as the loop knows them
        self.on_trouble: Callable[[SalutError | None], None] = lambda _error: None
        self.participants: list[Callable[[], None]] = []  # told in the writer's thread of each rollback
        self._passing: dict[tuple[str, str, str], bytes] = {}
        self._loop = asyncio.get_running_loop()
        self._writer: Writer | None = None

    def opened(self, name: str, pid: int) -> None:
        """A profile was made and stored: its journal can be read and written."""
        self.journals.pids[name] = pid
        self.heads[name] = 0

    def closed(self, name: str) -> None:
        """A profile was deleted: so are its journal and what was passing in it."""
        for kind in {kind for (journal, kind, _key) in self._passing if journal == name}:
            self.drop_passing(name, kind)
        self.journals.pids.pop(name, None)
        self.heads.pop(name, None)

    def bind(self, writer: Writer) -> None:
        """Use this writer."""
        self._writer = writer

    def names(self) -> list[str]:
        """All journals, the daemon's (the empty name) first."""
        return list(self.heads)

    def epoch_of(self, journal: str) -> str:
        """Epochs differ between journals that ever bore the same name, so that a position never misleads."""
        return f"{self.lives.current}.{self.journals.pids[journal]}"

    def position(self, journal: str) -> Position:
        """Epoch and newest published ``seq``."""
        return Position(self.epoch_of(journal), self.heads.get(journal, 0))

    # Called from the writer's thread
    def deliver(self, batches: list[Batch], outcomes: list[Outcome[object]]) -> None:
        """Take what was committed over into the loop."""
        self._loop.call_soon_threadsafe(self._publish, batches, outcomes)

    def rolled_back(self) -> None:
        """Something that was written is undone."""
        for forget in self.participants:
            forget()

    def trouble(self, error: SalutError | None) -> None:
        """The disk began or ceased to fail."""
        self._loop.call_soon_threadsafe(self.on_trouble, error)

    def _publish(self, batches: list[Batch], outcomes: list[Outcome[object]]) -> None:
        for batch in batches:
            if batch.journal in self.heads:
                self.heads[batch.journal] = batch.last
            self.bus.publish(batch)
        for outcome in outcomes:
            ticket = outcome.unit.ticket
            assert isinstance(ticket, Ticket)
            ticket.ended(outcome)

    # Commits
    async def commit(self, journal: str, work: Callable[[Tx], T], *, patient: bool = False) -> T:
        """Run ``work`` in a transaction; done when it is durable and published.

        Raises what ``work`` raises, and ``storage`` when the disk fails (unless ``patient``: then it waits).
        """
        ticket = Ticket(CURRENT.get())
        self._submit(Unit(journal, ticket, work, cause=ticket.cause(), patient=patient))
        value: T = await ticket
        return value

    def submit(self, journal: str, batch: BatchWork, item: object, *, patient: bool = True) -> Promise:
        """Hand ``item`` to ``batch``, which sees all that wait at once. The hot road of what servers send."""
        context = CURRENT.get()
        ticket = Ticket(context)
        cause = None if context is None else context.cause()
        self._submit(Unit(journal, ticket, None, batch, item, cause, patient))
        return ticket

    def _submit(self, unit: Unit) -> None:
        assert self._writer is not None
        self._writer.submit(unit)

    # Passing objects
    def passing(self, journal: str, name: str, key: str, value: msgspec.Struct | None) -> None:
        """Set (or remove) a passing object and tell the windows."""
        self.passing_many(journal, [(name, key, value)])

    def passing_many(self, journal: str, items: list[tuple[str, str, msgspec.Struct | None]]) -> None:
        """The same for several at once. Nothing passes in a journal that is gone."""
        if journal not in self.journals.pids:
            return
        told = []
        for name, key, value in items:
            encoded = _encode(Passing(journal, name, key, msgspec.UNSET if value is None else value))
            mark = (journal, name, key)
            if value is None:
                if self._passing.pop(mark, None) is None:
                    continue
            elif self._passing.get(mark) == encoded:
                continue
            else:
                self._passing[mark] = encoded
            told.append((journal, name, key, encoded))
        if told:
            self.bus.publish(PassingBatch(told))

    def drop_passing(self, journal: str, name: str, prefix: str = "") -> None:
        """Remove passing objects of a name whose key begins with ``prefix``."""
        keys = [k for (j, n, k) in self._passing if j == journal and n == name and k.startswith(prefix)]
        self.passing_many(journal, [(name, key, None) for key in keys])

    def passing_now(self) -> dict[tuple[str, str, str], bytes]:
        """All passing objects that there are, encoded."""
        return self._passing
