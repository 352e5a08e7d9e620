# SPDX-License-Identifier: AGPL-3.0-or-later
"""A timeline holds each message of its range once, in order, whatever order pages and changes come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from salut.client.kinds import Kinds, installed_contracts
from salut.client.replica import Replica
from salut.client.timeline import Load, Timeline, order
from salut.model.page import Page
from salut.plugins.history.api import Message

PLACES = st.integers(1, 12)
RARELY = st.integers(0, 7).map(lambda n: n == 7)
KINDS = Kinds(installed_contracts())


def message(number: int, place: int, body: str = "", conversation: str = "bob@x") -> Message:
    return Message(id=number, conversation=conversation, place=place, at=place, sender="bob@x", body=body)


def mark(item: Message) -> str:
    return ",".join(map(str, order(item)))


def unmark(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


class Daemon:
    """History as the daemon has it, and its journal."""

    def __init__(self) -> None:
        self.messages: dict[int, Message] = {}
        self.changes: list[dict[str, Any]] = []
        self.last_id = 0

    def commit(self, number: int, value: Message | None) -> None:
        change: dict[str, Any] = {
            "seq": len(self.changes) + 1, "name": "message", "key": str(number), "at": 0,
        }  # fmt: skip
        if value is None:
            self.messages.pop(number, None)
        else:
            self.messages[number] = value
            change["value"] = msgspec.to_builtins(value)
        self.changes.append(change)

    def talk(self) -> list[Message]:
        return sorted((m for m in self.messages.values() if m.conversation == "bob@x"), key=order)

    def page(self, load: Load) -> Page[Message]:
        everything = self.talk()
        items = everything
        if load.since is not None:
            first = next((n for n, m in enumerate(items) if m.at >= load.since), len(items))
            items = items[first : first + load.limit]
        elif load.after is not None:
            items = [m for m in items if order(m) > unmark(load.after)][: load.limit]
        elif load.before is not None:
            items = [m for m in items if order(m) < unmark(load.before)][-load.limit :]
        else:
            items = items[-load.limit :]
        if not items:
            return Page(items=[], before=load.after, after=load.before)
        return Page(
            items=items,
            before=mark(items[0]) if items[0] != everything[0] else None,
            after=mark(items[-1]) if items[-1] != everything[-1] else None,
        )


class TimelineModel(RuleBasedStateMachine):
    """Commits, delivery that lags, pages that are served and arrive late, resets."""

    def __init__(self) -> None:
        super().__init__()
        self.daemon = Daemon()
        self.timeline = Timeline("alice", "bob@x", limit=3)
        self.replica = Replica(KINDS)
        self.replica.subscribe(self.timeline.apply)
        self.delivered = 0
        self.load: Load | None = None
        self.page: tuple[Page[Message], int] | None = None
        self.gives_seq = True
        self.reset(True)

    @initialize(places=st.lists(PLACES, min_size=6, max_size=12), moment=st.none() | PLACES)
    def begin(self, places: list[int], moment: int | None) -> None:
        for place in places:
            self.arrive(place, "bob@x")
        self.deliver(len(places))
        if moment is None:
            self.ask("newest", True)
        else:
            self.ask_moment(moment)
        self.serve()
        self.arrive_page()

    @rule(place=PLACES, conversation=st.sampled_from(["bob@x", "bob@x", "carol@x"]))
    def arrive(self, place: int, conversation: str) -> None:
        self.daemon.last_id += 1
        number = self.daemon.last_id
        self.daemon.commit(number, message(number, place, conversation=conversation))

    @precondition(lambda self: self.daemon.messages)
    @rule(data=st.data(), place=st.none() | PLACES)
    def change(self, data: st.DataObject, place: int | None) -> None:
        number = data.draw(st.sampled_from(sorted(self.daemon.messages)))
        old = self.daemon.messages[number]
        new = msgspec.structs.replace(old, body=old.body + "!", place=place or old.place)
        self.daemon.commit(number, new)

    @precondition(lambda self: self.daemon.messages)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        self.daemon.commit(data.draw(st.sampled_from(sorted(self.daemon.messages))), None)

    @rule(number=st.integers(1, 4))
    def deliver(self, number: int) -> None:
        changes = self.daemon.changes[self.delivered : self.delivered + number]
        self.replica.apply({"journal": "alice", "live": True, "changes": changes})
        self.delivered += len(changes)

    @rule(
        which=st.sampled_from(["newest", "older", "older", "newer", "newer"]),
        gives_seq=st.booleans(),
        served=st.booleans(),
    )
    def ask(self, which: str, gives_seq: bool, served: bool = False) -> None:
        asks = {"newest": self.timeline.newest, "older": self.timeline.older, "newer": self.timeline.newer}
        load = asks[which]()
        if load is not None:
            self.load, self.page, self.gives_seq = load, None, gives_seq
            if served:
                self.serve()

    @rule(since=PLACES, served=st.booleans())
    def ask_moment(self, since: int, served: bool = False) -> None:
        load = self.timeline.from_moment(since)
        if load is not None:
            self.load, self.page = load, None
            if served:
                self.serve()

    @precondition(lambda self: self.load is not None and self.page is None)
    @rule()
    def serve(self) -> None:
        assert self.load is not None
        seq = len(self.daemon.changes) if self.gives_seq else 0
        self.page = (self.daemon.page(self.load), seq)

    @precondition(lambda self: self.page is not None)
    @rule()
    def arrive_page(self) -> None:
        assert self.load is not None and self.page is not None
        self.timeline.loaded(self.load, *self.page)
        self.load = self.page = None

    @precondition(lambda self: self.load is not None)
    @rule(really=RARELY)
    def fail(self, really: bool) -> None:
        if not really or self.load is None:
            return
        self.timeline.failed(self.load)
        self.load = self.page = None

    @rule(really=RARELY)
    def reset(self, really: bool) -> None:
        if not really:
            return
        self.delivered = len(self.daemon.changes)
        position = ["e1", self.delivered]
        self.replica.start({"journal": "alice", "position": position, "resumed": False})
        assert self.timeline.needs_load and not self.timeline.messages

    @invariant()
    def each_once_in_order(self) -> None:
        shown = [order(m) for m in self.timeline.messages]
        assert shown == sorted(set(shown))
        assert len({m.id for m in self.timeline.messages}) == len(shown)

    @invariant()
    def settled_means_equal(self) -> None:
        timeline = self.timeline
        if self.delivered < len(self.daemon.changes) or not timeline.messages:
            return
        shown = list(timeline.messages)
        low, high = order(shown[0]), order(shown[-1])
        assert shown == [
            m
            for m in self.daemon.talk()
            if (timeline.at_start or order(m) >= low) and (timeline.at_end or order(m) <= high)
        ]

    def teardown(self) -> None:
        """Load all that there is: nothing may be missing."""
        if self.load is not None:
            if self.page is None:
                self.serve()
            self.arrive_page()
        self.deliver(len(self.daemon.changes))
        first = self.timeline.newest() if self.timeline.needs_load else None
        asks: list[Callable[[], Load | None]] = [lambda: first, self.timeline.older, self.timeline.newer]
        for ask in asks:
            for _ in range(100):
                load = ask()
                if load is None or load is not self.timeline._load:
                    break
                self.timeline.loaded(load, self.daemon.page(load), len(self.daemon.changes))
        assert self.timeline.at_start and self.timeline.at_end
        assert list(self.timeline.messages) == self.daemon.talk()


TestTimelineModel = TimelineModel.TestCase
TestTimelineModel.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)


def test_a_page_from_before_a_reset_is_dropped() -> None:
    timeline = Timeline("alice", "bob@x")
    replica = Replica(KINDS)
    replica.subscribe(timeline.apply)
    load = timeline.newest()
    assert load is not None and timeline.newest() is None
    replica.start({"journal": "alice", "position": ["e1", 9], "resumed": False, "reset": "epoch"})
    timeline.loaded(load, Page(items=[message(1, 1)]))
    assert timeline.needs_load and len(timeline) == 0


@pytest.mark.parametrize("journal", ["bob", ""])
def test_other_journals_do_not_concern_it(journal: str) -> None:
    timeline = Timeline("alice", "bob@x")
    replica = Replica(KINDS)
    replica.subscribe(timeline.apply)
    load = timeline.newest()
    assert load is not None
    timeline.loaded(load, Page(items=[message(1, 1)]))
    replica.start({"journal": journal, "position": ["e1", 0], "resumed": False})
    assert [m.id for m in timeline.messages] == [1]
