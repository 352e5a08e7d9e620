# SPDX-License-Identifier: AGPL-3.0-or-later
"""A window's copy of the shared state, without I/O: what the daemon tells goes in, objects come out.

docs/reference/protocol.md, "Attaching", says what each input means. The replica checks that changes are
consecutive; ``Desync`` tells the client to resume.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from salut.api.wire import Attached, Cause, Changes, Passing, Position, Start
from salut.client.kinds import Kinds

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
PlainState = dict[str, dict[str, dict[str, tuple[int, Any]]]]


class Desync(Exception):  # noqa: N818 - a state to handle, more than a fault
    """The daemon's changes are not consecutive for this replica: the window must resume."""

    def __init__(self, journal: str, expected: int | None, got: int) -> None:
        super().__init__(f"journal “{journal}”: expected {expected}, got {got}")
        self.journal = journal
        self.expected = expected  # None: the journal has not begun
        self.got = got


class Held:
    """An object that the replica holds; ``value`` is decoded when first asked for."""

    __slots__ = ("_decoded", "_kinds", "_value", "name", "raw", "rev")

    def __init__(self, kinds: Kinds, name: str, rev: int, raw: object) -> None:
        self.name = name
        self.rev = rev
        self.raw = raw
        self._kinds = kinds
        self._decoded = False
        self._value: object = None

    @property
    def value(self) -> object:
        """The struct of its kind, or the plain value of an unknown kind."""
        if not self._decoded:
            self._value = self._kinds.decode(self.name, self.raw)
            self._decoded = True
        return self._value


@dataclass(frozen=True, slots=True)
class Update:
    """An object has a new value (``value``), or is gone (``value`` is ``None``).

    ``rev`` is its revision (0 for passing objects); ``live`` is false for what is replayed or comes with
    a snapshot, so that nothing rings twice; ``at`` is the moment of the change where there was one.
    """

    journal: str
    name: str
    key: str
    rev: int
    held: Held | None
    live: bool
    at: int = 0
    cause: Cause | None = None

    @property
    def value(self) -> object:
        """The new value, typed by its kind; ``None`` when the object is gone."""
        return None if self.held is None else self.held.value


@dataclass(frozen=True, slots=True)
class Reset:
    """All that was held of a journal is forgotten; updates for its snapshot follow (none when ``gone``)."""

    journal: str
    reason: str

    @property
    def gone(self) -> bool:
        """The journal itself is no more: its profile was deleted, or is not shown to this window."""
        return self.reason == "gone"


Event = Update | Reset
Subscriber = Callable[[Event], object]
Objects = dict[str, dict[str, Held]]


class Replica:
    """The state of all journals a window sees, their positions, and who wants to know of changes.

    Kinds named in ``skip`` are passed to subscribers but not held (a long-lived window that keeps
    messages in timelines need not keep them twice). ``on_error`` gets what a subscriber raised; without
    it, the error goes up to the caller.
    """

    def __init__(
        self,
        kinds: Kinds | None = None,
        *,
        skip: Collection[str] = (),
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        self._kinds = kinds or Kinds()
        self._skip = frozenset(skip)
        self._nothing = False
        self._on_error = on_error
        self._kept: dict[str, Objects] = {}
        self._fleeting: dict[str, Objects] = {}
        self._positions: dict[str, Position] = {}
        self._subscribers: list[Subscriber] = []

    # What the daemon tells.

    def attached(self, given: Attached | Mapping[str, Any]) -> None:
        """The result of ``attach``: every journal begins or goes on, passing objects are replaced."""
        told = _as(given, Attached)
        for journal in self._positions.keys() - {start.journal for start in told.journals}:
            self._forget(journal, "gone")
        for start in told.journals:
            self.start(start)
        stale = {(j, n, k) for j, names in self._fleeting.items() for n in names for k in names[n]}
        for journal, name, key in stale - {(p.journal, p.name, p.key) for p in told.passing}:
            self._pass(Passing(journal, name, key), live=False)
        self.passing(told.passing, live=False)

    def start(self, given: Start | Mapping[str, Any]) -> None:
        """A journal begins (with its snapshot), goes on after its position, or is gone."""
        told = _as(given, Start)
        if told.reset == "gone":
            self._forget(told.journal, "gone")
            return
        if told.resumed:
            held = self._positions.get(told.journal)
            if held is not None and held.seq != told.position.seq and not told.reset:
                raise Desync(told.journal, held.seq, told.position.seq)
            self._positions[told.journal] = told.position
            if told.reset:  # for a window that only follows: it goes on elsewhere, and is told why
                self._kept.pop(told.journal, None)
                self._tell(Reset(told.journal, told.reset))
            return
        self._kept.pop(told.journal, None)
        self._positions[told.journal] = told.position
        held_now = [(i.name, i.key, Held(self._kinds, i.name, i.rev, i.value)) for i in told.items]
        for name, key, held_item in held_now:
            if self._holds(name):
                self._kept.setdefault(told.journal, {}).setdefault(name, {})[key] = held_item
        self._tell(Reset(told.journal, told.reset or "start"))
        for name, key, held_item in held_now:
            self._tell(Update(told.journal, name, key, held_item.rev, held_item, live=False))

    def apply(self, given: Changes | Mapping[str, Any]) -> None:
        """Consecutive changes of a journal. Raises ``Desync`` at a gap, a repeat, or an unknown journal.

        What came before the fault is applied and counted in ``position``.
        """
        told = _as(given, Changes)
        for change in told.changes:
            position = self._positions.get(told.journal)
            if position is None or change.seq != position.seq + 1:
                raise Desync(told.journal, position.seq + 1 if position else None, change.seq)
            held = None
            if change.value is not msgspec.UNSET:
                held = Held(self._kinds, change.name, change.seq, change.value)
            self._positions[told.journal] = Position(position.epoch, change.seq)
            if self._holds(change.name):
                _put(self._kept, told.journal, change.name, change.key, held)
            cause = change.cause if isinstance(change.cause, Cause) else None
            self._tell(
                Update(told.journal, change.name, change.key, change.seq, held, told.live, change.at, cause)
            )

    def hold_nothing(self) -> None:
        """From now on only tell subscribers and count positions: for windows that follow changes."""
        self._nothing = True
        self._kept.clear()

    def passing(self, items: Iterable[Passing | Mapping[str, Any]], *, live: bool = True) -> None:
        """New values of passing objects."""
        for item in items:
            self._pass(_as(item, Passing), live=live)

    # What the window asks.

    def get(self, journal: str, name: str, key: str) -> object | None:
        """The value of an object, kept or passing; ``None`` if the replica does not hold it."""
        held = self.held(journal, name, key)
        return None if held is None else held.value

    def held(self, journal: str, name: str, key: str) -> Held | None:
        """The object with its revision."""
        for store in (self._kept, self._fleeting):
            found = store.get(journal, {}).get(name, {}).get(key)
            if found is not None:
                return found
        return None

    def one(self, journal: str, struct: type[S], key: str) -> S | None:
        """The object of a kind, named by its struct: ``replica.one("alice", Conversation, "bob@x")``."""
        value = self.get(journal, self._kinds.name_of(struct), key)
        return value if isinstance(value, struct) else None

    def all(self, journal: str, struct: type[S]) -> dict[str, S]:
        """All objects of a kind that are held, by key."""
        name = self._kinds.name_of(struct)
        return {
            key: value
            for store in (self._kept, self._fleeting)
            for key, held in store.get(journal, {}).get(name, {}).items()
            if isinstance(value := held.value, struct)
        }

    @property
    def state(self) -> PlainState:
        """A copy of what is kept: ``state[journal][name][key] = (rev, plain value)``."""
        return _plain(self._kept)

    @property
    def passing_state(self) -> PlainState:
        """The same for passing objects (``rev`` is 0)."""
        return _plain(self._fleeting)

    def position(self) -> dict[str, Position]:
        """Where each journal stands: the ``resume`` map of the next ``attach``."""
        return dict(self._positions)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have ``subscriber`` called for every event, after the state holds it. Returns how to end that."""
        self._subscribers.append(subscriber)

        def end() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return end

    # How.

    def _holds(self, name: str) -> bool:
        return not self._nothing and name not in self._skip

    def _pass(self, item: Passing, *, live: bool) -> None:
        held = None if item.value is msgspec.UNSET else Held(self._kinds, item.name, 0, item.value)
        _put(self._fleeting, item.journal, item.name, item.key, held)
        self._tell(Update(item.journal, item.name, item.key, 0, held, live))

    def _forget(self, journal: str, reason: str) -> None:
        self._kept.pop(journal, None)
        self._fleeting.pop(journal, None)
        self._positions.pop(journal, None)
        self._tell(Reset(journal, reason))

    def _tell(self, event: Event) -> None:
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(event)
            except Exception as error:
                if self._on_error is None:
                    raise
                self._on_error(error)


def _as(value: T | Mapping[str, Any], struct: type[T]) -> T:
    return value if isinstance(value, struct) else msgspec.convert(value, struct)


def _put(store: dict[str, Objects], journal: str, name: str, key: str, held: Held | None) -> None:
    """Set or remove an object; empty maps go, so that equal states are equal."""
    if held is not None:
        store.setdefault(journal, {}).setdefault(name, {})[key] = held
        return
    names = store.get(journal, {})
    objects = names.get(name, {})
    objects.pop(key, None)
    if not objects:
        names.pop(name, None)
    if not names:
        store.pop(journal, None)


def _plain(store: dict[str, Objects]) -> PlainState:
    return {
        journal: {
            name: {key: (held.rev, held.raw) for key, held in kept.items()} for name, kept in names.items()
        }
        for journal, names in store.items()
    }
