# SPDX-License-Identifier: AGPL-3.0-or-later
"""The replica converges whatever is cut, resumed, compacted or restored; and notices gaps and repeats."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from salut.api.core import CONTRACT, Profile
from salut.api.wire import Position
from salut.client.kinds import Kinds, installed_contracts
from salut.client.replica import Desync, Event, Replica, Reset, Update
from salut.model.errors import SalutError
from salut.plugins.presence.api import Presence
from tests.client.fake import Journal

KEYS = st.sampled_from(["a", "b", "c"])
NAMES = st.sampled_from(["contact", "draft"])
VALUES = st.none() | st.integers(0, 9).map(lambda n: {"n": n})


class Mirror:
    """The state as a view that knows only events."""

    def __init__(self) -> None:
        self.state: dict[str, dict[tuple[str, str], tuple[int, Any]]] = {}

    def take(self, event: Event) -> None:
        if isinstance(event, Reset):
            self.state.pop(event.journal, None)
            return
        journal = self.state.setdefault(event.journal, {})
        if event.held is None:
            journal.pop((event.name, event.key), None)
        else:
            journal[event.name, event.key] = (event.rev, event.held.raw)


class Convergence(RuleBasedStateMachine):
    """A daemon's journal, a lossy road, a replica."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal()
        self.replica = Replica()
        self.mirror = Mirror()
        self.replica.subscribe(self.mirror.take)
        self.road: list[dict[str, Any]] = []
        self.connected = False

    @initialize()
    def begin(self) -> None:
        self.resume()

    @rule(name=NAMES, key=KEYS, value=VALUES)
    def commit(self, name: str, key: str, value: Any) -> None:
        change = self.journal.commit(name, key, value)
        if self.connected:
            self.road.append({"journal": "alice", "live": True, "changes": [change]})

    @rule(number=st.integers(1, 5))
    def deliver(self, number: int) -> None:
        for told in self.road[:number]:
            self.replica.apply(told)
        del self.road[:number]

    @rule()
    def cut(self) -> None:
        self.road.clear()
        self.connected = False

    @rule()
    def compact(self) -> None:
        self.journal.oldest = self.journal.seq

    @rule()
    def restore(self) -> None:
        """An older state under a new epoch, as after a database was brought back."""
        old, self.journal = self.journal, Journal(self.journal.epoch + "'")
        for change in old.changes[: old.seq // 2]:
            self.journal.commit(change["name"], change["key"], change.get("value"))
        self.cut()

    @rule()
    def resume(self) -> None:
        self.cut()
        place = self.replica.position().get("alice")
        resume = [place.epoch, place.seq] if place else None
        told, changes = self.journal.start("alice", resume, "state")
        self.replica.attached({"window": "w", "journals": [told], "passing": []})
        self.road = [{"journal": "alice", "live": False, "changes": [change]} for change in changes]
        self.connected = True

    @invariant()
    def settled_means_equal(self) -> None:
        if self.connected and not self.road:
            expected = {"alice": self.journal.state} if self.journal.state else {}
            assert self.replica.state == expected
            assert self.replica.position()["alice"] == Position(self.journal.epoch, self.journal.seq)

    @invariant()
    def events_tell_everything(self) -> None:
        flat = {
            (name, key): held
            for name, objects in self.replica.state.get("alice", {}).items()
            for key, held in objects.items()
        }
        assert self.mirror.state.get("alice", {}) == flat

    def teardown(self) -> None:
        self.resume()
        self.deliver(len(self.road))
        self.settled_means_equal()


TestConvergence = Convergence.TestCase
TestConvergence.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


@given(
    st.lists(st.tuples(NAMES, KEYS, VALUES), min_size=2, max_size=12),
    st.data(),
)
def test_a_lost_or_repeated_change_is_noticed(
    commits: list[tuple[str, str, Any]], data: st.DataObject
) -> None:
    journal = Journal()
    for commit in commits:
        journal.commit(*commit)
    road = list(journal.changes)
    at = data.draw(st.integers(0, len(road) - 2))
    if data.draw(st.booleans()):
        del road[at]
    else:
        road.insert(at, road[at])
    replica = Replica()
    replica.start({"journal": "alice", "position": ["e1", 0], "resumed": False})
    with pytest.raises(Desync) as caught:
        replica.apply({"journal": "alice", "live": True, "changes": road})
    assert caught.value.expected != caught.value.got
    # It stands just before the fault, so that a resume from there mends it.
    position = replica.position()["alice"].seq
    replica.apply({"journal": "alice", "live": False, "changes": journal.changes[position:]})
    assert replica.state.get("alice", {}) == journal.state


def test_changes_of_an_unknown_journal_are_a_desync() -> None:
    change = {"seq": 1, "name": "contact", "key": "a", "at": 0, "value": {}}
    with pytest.raises(Desync):
        Replica().apply({"journal": "bob", "live": True, "changes": [change]})


def test_a_resumed_start_must_be_where_the_replica_is() -> None:
    replica = Replica()
    replica.start({"journal": "alice", "position": ["e1", 7], "resumed": False})
    with pytest.raises(Desync):
        replica.start({"journal": "alice", "position": ["e1", 6], "resumed": True})


def test_values_are_typed_by_their_kind_and_others_stay_plain() -> None:
    replica = Replica(Kinds(installed_contracts()))
    profile = {"name": "alice", "address": "alice@localhost", "enabled": True}
    items = [
        {"name": "profile", "key": "alice", "rev": 3, "value": profile},
        {"name": "chessboard", "key": "1", "rev": 4, "value": {"fen": "8/8"}},
    ]
    replica.start({"journal": "", "position": ["e1", 4], "resumed": False, "items": items})
    assert replica.one("", Profile, "alice") == Profile(name="alice", address="alice@localhost", enabled=True)
    assert replica.all("", Profile).keys() == {"alice"}
    assert replica.get("", "chessboard", "1") == {"fen": "8/8"}
    assert replica.get("", "chessboard", "2") is None
    assert replica.state[""]["profile"]["alice"] == (3, profile)


def test_a_value_of_another_version_is_named() -> None:
    replica = Replica(Kinds([CONTRACT]))
    items = [{"name": "profile", "key": "alice", "rev": 1, "value": {"name": 5}}]
    replica.start({"journal": "", "position": ["e1", 1], "resumed": False, "items": items})
    with pytest.raises(SalutError, match="profile") as caught:
        replica.get("", "profile", "alice")
    assert caught.value.code == "internal"


def test_passing_objects_come_go_and_are_replaced_by_an_attach() -> None:
    replica = Replica(Kinds(installed_contracts()))
    seen: list[tuple[str, object]] = []
    replica.subscribe(lambda e: seen.append((e.key, e.value)) if isinstance(e, Update) else None)
    bob = {"journal": "alice", "name": "presence", "key": "bob@x"}
    here = {"address": "bob@x", "show": "online"}
    carol = {"journal": "alice", "name": "presence", "key": "carol@x", "value": here}
    replica.passing([{**bob, "value": here}, carol])
    assert replica.one("alice", Presence, "bob@x") == Presence(address="bob@x", show="online")
    replica.passing([bob])
    assert replica.get("alice", "presence", "bob@x") is None
    start = {"journal": "alice", "position": ["e1", 0], "resumed": False}
    replica.attached({"window": "w", "journals": [start], "passing": [{**bob, "value": here}]})
    assert replica.passing_state == {"alice": {"presence": {"bob@x": (0, here)}}}
    assert ("carol@x", None) in seen


@pytest.mark.parametrize("how", ["start", "attach"])
def test_a_deleted_profile_is_forgotten(how: str) -> None:
    replica = Replica()
    events: list[Event] = []
    items = [{"name": "contact", "key": "a", "rev": 1, "value": {}}]
    replica.start({"journal": "bob", "position": ["e1", 1], "resumed": False, "items": items})
    replica.subscribe(events.append)
    if how == "start":
        replica.start({"journal": "bob", "position": ["e1", 1], "resumed": False, "reset": "gone"})
    else:
        replica.attached({"window": "w", "journals": [], "passing": []})
    assert replica.state == {} and replica.position() == {}
    assert events == [Reset("bob", "gone")]


def test_what_a_subscriber_raises_stops_nobody_else() -> None:
    faults: list[Exception] = []
    replica = Replica(on_error=faults.append)
    seen: list[Event] = []

    def broken(event: Event) -> None:
        raise ValueError("view")

    replica.subscribe(broken)
    end = replica.subscribe(seen.append)
    replica.start({"journal": "", "position": ["e1", 0], "resumed": False})
    end()
    replica.start({"journal": "", "position": ["e1", 0], "resumed": False})
    assert [str(fault) for fault in faults] == ["view", "view"]
    assert len(seen) == 1


def test_skipped_kinds_are_told_but_not_held() -> None:
    replica = Replica(skip=["message"])
    seen: list[Event] = []
    replica.start({"journal": "alice", "position": ["e1", 0], "resumed": False})
    replica.subscribe(seen.append)
    change = {"seq": 1, "name": "message", "key": "1", "at": 5, "value": {"body": "Hi"}}
    cause = {"window": "w7", "op": "1f0c"}
    replica.apply({"journal": "alice", "live": True, "changes": [{**change, "cause": cause}]})
    assert replica.state == {}
    (event,) = seen
    assert isinstance(event, Update) and event.live and event.at == 5 and event.value == {"body": "Hi"}
    assert event.cause is not None and event.cause.op == "1f0c"
