# SPDX-License-Identifier: AGPL-3.0-or-later
"""The feed of one window: whatever happens in whatever order, each journal arrives whole, in order and once."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from salut.bridge.bounds import Bounds
from salut.bridge.feed import Feed, Place
from salut.engine.batch import Batch

JOURNALS = ("", "home", "work")
BOUNDS = Bounds(queue_bytes=1_500, queue_count=12, passing_bytes=400, passing_count=5, feed_rows=7)
NAMES = st.sampled_from(JOURNALS)


def row(seq: int, pad: int = 0) -> bytes:
    return json.dumps({"seq": seq, "name": "n", "key": "k", "at": 1, "value": "x" * pad}).encode()


def lines(data: bytes) -> list[dict[str, Any]]:
    assert not data or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


class Story(RuleBasedStateMachine):
    """The journals are plain lists; the window counts what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.feed = Feed(BOUNDS)
        self.journals: dict[str, list[bytes]] = {name: [] for name in JOURNALS}
        self.got: dict[str, int] = {}
        self.reading: list[tuple[Place, int, list[bytes]]] = []

    @initialize(counts=st.lists(st.integers(0, 20), min_size=3, max_size=3), data=st.data())
    def attach(self, counts: list[int], data: st.DataObject) -> None:
        for name, count in zip(JOURNALS, counts, strict=True):
            self.journals[name] = [row(seq) for seq in range(1, count + 1)]
            self._join(name, data.draw(st.integers(0, count)))

    def _join(self, name: str, sent: int) -> None:
        self.feed.join(name, sent, len(self.journals[name]))
        self.got[name] = sent

    @rule(name=NAMES, pads=st.lists(st.integers(0, 300), min_size=1, max_size=6))
    def publish(self, name: str, pads: list[int]) -> None:
        stored = self.journals[name]
        first = len(stored) + 1
        fresh = [row(first + at, pad) for at, pad in enumerate(pads)]
        stored += fresh
        self.feed.publish(Batch(name, first, fresh))

    @rule(key=st.sampled_from("abcdefg"), size=st.integers(1, 150))
    def passing(self, key: str, size: int) -> None:
        self.feed.passing(("", "presence", key), json.dumps({"key": key, "value": "p" * size}).encode())

    @rule()
    def take(self) -> None:
        self._arrived(self.feed.take())

    @rule()
    def begin_to_read_the_journal(self) -> None:
        place = self.feed.hungry()
        if place is not None:
            rows = self.journals[place.journal][place.sent : place.sent + BOUNDS.feed_rows]
            self.reading.append((place, place.sent, rows))

    @precondition(lambda self: self.reading)
    @rule(data=st.data())
    def fed(self, data: st.DataObject) -> None:
        place, after, rows = self.reading.pop(data.draw(st.integers(0, len(self.reading) - 1)))
        self.feed.fed(place, after, rows)

    @rule(name=NAMES)
    def leave_and_join_anew(self, name: str) -> None:
        """As when a profile was deleted and made again, or trimmed below the window: a new start is told."""
        self.feed.leave(name)
        self._arrived(self.feed.take())
        self._join(name, len(self.journals[name]))

    def _arrived(self, data: bytes) -> None:
        for line in lines(data):
            if line["method"] == "passing":
                assert line["params"]["items"]
                continue
            assert line["method"] == "changes"
            name = line["params"]["journal"]
            for change in line["params"]["changes"]:
                assert change["seq"] == self.got[name] + 1, (name, self.got[name], line)
                self.got[name] = change["seq"]

    @invariant()
    def the_queue_is_bounded(self) -> None:
        queue = self.feed._queue
        assert sum(len(batch.line) for batch in queue) == self.feed._queued_bytes <= BOUNDS.queue_bytes
        assert sum(len(batch.changes) for batch in queue) == self.feed._queued_count <= BOUNDS.queue_count
        assert sum(map(len, self.feed._passing.values())) == self.feed._passing_bytes <= BOUNDS.passing_bytes
        assert len(self.feed._passing) <= BOUNDS.passing_count

    def teardown(self) -> None:
        """In the end the window reads: it has all that there is."""
        for _round in range(10_000):
            self._arrived(self.feed.take())
            place = self.feed.hungry()
            if place is None:
                break
            after = place.sent
            self.feed.fed(place, after, self.journals[place.journal][after : after + BOUNDS.feed_rows])
        assert not self.feed
        assert self.feed.behind() == 0
        assert self.got == {name: len(self.journals[name]) for name in self.got}


TestFeed = Story.TestCase
TestFeed.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_window_that_never_reads_costs_no_more_than_the_bound() -> None:
    feed = Feed(BOUNDS)
    feed.join("home", 0, 0)
    stored = []
    for seq in range(1, 5_001):
        stored.append(row(seq, 50))
        feed.publish(Batch("home", seq, [stored[-1]]))
    assert feed.dropped == 1
    assert feed.take() == b""
    assert feed.behind() == 5_000
    place = feed.hungry()
    assert place is not None
    assert (place.sent, place.head) == (0, 5_000)


def test_what_is_replayed_is_not_called_live() -> None:
    feed = Feed(BOUNDS)
    feed.join("home", 1, 3)
    place = feed.hungry()
    assert place is not None
    feed.publish(Batch("home", 4, [row(4)]))
    feed.fed(place, 1, [row(2), row(3), row(4)])
    found = [(line["params"]["live"], len(line["params"]["changes"])) for line in lines(feed.take())]
    assert found == [(False, 2), (True, 1)]


def test_a_trimmed_journal_ends_the_hunger() -> None:
    feed = Feed(BOUNDS)
    feed.join("home", 1, 3)
    place = feed.hungry()
    assert place is not None
    feed.fed(place, 1, [])
    assert feed.hungry() is None
    assert not feed


def test_only_the_newest_passing_value_waits_and_an_overrun_is_told() -> None:
    feed = Feed(BOUNDS)
    for value in (b"1", b"2", b"3"):
        feed.passing(("", "n", "k"), value)
    assert lines(feed.take())[0]["params"]["items"] == [3]
    for number in range(BOUNDS.passing_count + 1):
        assert not feed.overrun
        feed.passing(("", "n", str(number)), b"1")
    assert feed.overrun


def test_answers_are_always_taken_and_fullness_is_told() -> None:
    feed = Feed(Bounds(answer_bytes=10))
    feed.answer(b'"12345678"\n')
    assert feed.full
    assert feed.take() == b'"12345678"\n'
    assert not feed.full
