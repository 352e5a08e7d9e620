# SPDX-License-Identifier: AGPL-3.0-or-later
"""Acknowledgements: nothing that is not done is acknowledged, nothing is handed over twice, counters wrap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from salut.xmpp.sm import WRAP, CountError, Inbox, Outbox


def test_the_watermark_stops_below_what_is_not_done() -> None:
    inbox = Inbox()
    for number in (1, 2, 3):
        assert inbox.receive() == (number, True)
        inbox.hold(number)
    assert inbox.asked() == 0
    assert inbox.owed() is None
    inbox.done(2)
    inbox.done(3)
    assert inbox.owed() is None
    inbox.done(1)
    assert inbox.owed() == 3
    assert inbox.owed() is None, "said once"


def test_nothing_is_owed_that_was_not_asked_for() -> None:
    inbox = Inbox()
    inbox.receive()
    assert inbox.owed() is None
    assert inbox.asked() == 1
    inbox.receive()
    assert inbox.owed() is None


def test_after_a_resumption_only_what_failed_is_handed_over_again() -> None:
    inbox = Inbox()
    for _ in range(4):
        number, _fresh = inbox.receive()
        inbox.hold(number)
    inbox.done(1)
    inbox.done(3)
    assert inbox.failed(2) == 1
    assert inbox.rewind() == 1
    assert [inbox.receive() for _ in range(4)] == [(2, True), (3, False), (4, False), (5, True)]
    inbox.hold(2)
    inbox.done(2)
    inbox.done(4)
    assert inbox.watermark == 5


def test_tries_of_one_stanza_are_counted_over_resumptions() -> None:
    inbox = Inbox()
    inbox.receive()
    inbox.hold(1)
    for tries in (1, 2, 3):
        assert inbox.failed(1) == tries
        inbox.rewind()
        assert inbox.receive() == (1, True)


def test_numbers_wrap_on_the_wire() -> None:
    inbox = Inbox()
    inbox.received = inbox._handed = WRAP - 1
    assert inbox.h == WRAP - 1
    inbox.receive()
    assert inbox.h == 0
    outbox = Outbox()
    outbox._acked = WRAP - 1
    outbox.add("<message/>", "a")
    outbox.add("<message/>", "b")
    assert outbox.acknowledged(1) == ["a", "b"]


def test_outbox_asks_one_question_at_a_time() -> None:
    outbox = Outbox()
    assert not outbox.ask()
    outbox.add("<message/>", None)
    assert outbox.ask()
    outbox.add("<message/>", "k")
    assert not outbox.ask()
    assert outbox.acknowledged(1) == []
    assert outbox.ask()
    assert outbox.acknowledged(2) == ["k"]


def test_more_than_was_sent_cannot_be_acknowledged() -> None:
    outbox = Outbox()
    outbox.add("<message/>", "a")
    with pytest.raises(CountError):
        outbox.acknowledged(2)
    assert outbox.lost() == ["a"]


def test_the_outbox_is_bounded_by_count_and_by_size() -> None:
    outbox = Outbox(most=2, most_chars=100)
    outbox.add("x", None)
    assert not outbox.full
    outbox.add("x", None)
    assert outbox.full
    outbox.acknowledged(2)
    outbox.add("x" * 100, None)
    assert outbox.full


@given(st.integers(0, WRAP - 1), st.lists(st.integers(0, 5), max_size=30))
def test_every_key_is_reported_exactly_once_and_in_order(start: int, steps: list[int]) -> None:
    outbox = Outbox()
    outbox._acked = start
    sent = acked = 0
    heard: list[str] = []
    for step in steps:
        for _ in range(step):
            outbox.add("<iq/>", str(sent))
            sent += 1
        acked += (sent - acked) // 2
        heard += outbox.acknowledged((start + acked) % WRAP)
    heard += outbox.lost()
    assert heard == [str(number) for number in range(sent)]


class DurableServer(RuleBasedStateMachine):
    """A server that keeps what is not acknowledged, cuts at will and resumes, against an inbox whose handlers
    end in any order, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.inbox = Inbox()
        self.base = 0
        self.kept: list[int] = []
        self.sent = 0
        self.open: dict[int, int] = {}
        self.stored: list[int] = []

    def deliver(self, stanza: int) -> None:
        number, fresh = self.inbox.receive()
        assert number == stanza
        if fresh:
            self.inbox.hold(number)
            assert number not in self.open, "handed over while it is being handled"
            assert number not in self.stored, "handed over though it is done"
            self.open[number] = stanza

    def acknowledged(self, h: int) -> None:
        count = (h - self.base) % WRAP
        assert count <= len(self.kept)
        for stanza in self.kept[:count]:
            assert stanza in self.stored, "acknowledged but not stored"
        self.base += count
        del self.kept[:count]

    @rule()
    def send(self) -> None:
        self.sent += 1
        self.kept.append(self.sent)
        self.deliver(self.sent)

    @rule(pick=st.integers(0, 10**6))
    @precondition(lambda self: self.open)
    def finish(self, pick: int) -> None:
        number = sorted(self.open)[pick % len(self.open)]
        self.stored.append(self.open.pop(number))
        self.inbox.done(number)
        if (h := self.inbox.owed()) is not None:
            self.acknowledged(h)

    @rule(pick=st.integers(0, 10**6))
    @precondition(lambda self: self.open)
    def fail_and_resume(self, pick: int) -> None:
        number = sorted(self.open)[pick % len(self.open)]
        del self.open[number]
        self.inbox.failed(number)
        self.resume()

    @rule()
    def ask(self) -> None:
        self.acknowledged(self.inbox.asked())

    @rule()
    def resume(self) -> None:
        self.acknowledged(self.inbox.rewind())
        for stanza in tuple(self.kept):
            self.deliver(stanza)

    @invariant()
    def nothing_is_lost(self) -> None:
        everything = set(range(1, self.sent + 1))
        assert set(self.stored) | set(self.open) | set(self.kept) == everything

    def teardown(self) -> None:
        for number in tuple(self.open):
            self.stored.append(self.open.pop(number))
            self.inbox.done(number)
        assert sorted(self.stored) == list(range(1, self.sent + 1)), "each stored once"
        assert self.inbox.asked() == self.sent


TestDurableServer = DurableServer.TestCase
