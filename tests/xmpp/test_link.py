# SPDX-License-Identifier: AGPL-3.0-or-later
"""The connection's life as transcripts: what happened -> what is commanded, and the state that shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salut.xmpp.errors import Failure
from salut.xmpp.link import LONGEST_DELAY, Attempt, Command, Drop, Link, LinkState, Probe, Wake
from tests.xmpp.support import FakeClock

BROKEN = Failure("connection-refused", "refused")
WRONG = Failure("not-authorized", "wrong password", fatal=True)


def play(link: Link, clock: FakeClock, *script: str) -> list[str]:
    """Runs events, and writes each with its answer: ``event > commands | state``."""
    events: dict[str, Callable[[], list[Command]]] = {
        "start": link.start,
        "stop": link.stop,
        "now": link.connect_now,
        "reconfigure": link.reconfigure,
        "broken": lambda: link.failed(link.number, BROKEN),
        "wrong": lambda: link.failed(link.number, WRONG),
        "due": lambda: link.due(link.number),
        "woke": link.woke,
    }
    lines = []
    for event in script:
        word, _, rest = event.partition(" ")
        commands: list[Command] = []
        if word in events:
            commands = events[word]()
        elif word in ("connecting", "authenticating"):
            link.progress(link.number, "connecting" if word == "connecting" else "authenticating", rest)
        elif word == "wait":
            clock.now += float(rest)
        else:
            assert word == "online"
            assert link.online(link.number, "host:1")
        lines.append(f"{event} > {', '.join(map(show, commands))} | {link.state.state}")
    return lines


def show(command: Command) -> str:
    match command:
        case Attempt(number):
            return f"attempt {number}"
        case Drop(clean):
            return "close" if clean else "drop"
        case Wake(_, seconds):
            return f"wake {seconds:g}"
        case Probe():
            return "probe"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def link(clock: FakeClock) -> Link:
    return Link(clock, lambda: 0.5)


def transcript(link: Link, clock: FakeClock, text: str) -> None:
    """Plays the left sides of ``text`` and compares all of it."""
    expected = [line.strip() for line in text.strip().splitlines()]
    assert play(link, clock, *(line.partition(" > ")[0] for line in expected)) == expected


def test_a_good_day(link: Link, clock: FakeClock) -> None:
    transcript(
        link,
        clock,
        """
        start > attempt 1 | resolving
        start >  | resolving
        connecting host:1 >  | connecting
        authenticating host:1 >  | authenticating
        online >  | online
        now >  | online
        stop > close | offline
        stop >  | offline
        """,
    )


def test_waits_double_and_are_forgotten_after_a_minute_online(link: Link, clock: FakeClock) -> None:
    transcript(
        link,
        clock,
        """
        start > attempt 1 | resolving
        broken > wake 0.5 | retrying
        due > attempt 2 | resolving
        broken > wake 1 | retrying
        due > attempt 3 | resolving
        broken > wake 2 | retrying
        due > attempt 4 | resolving
        online >  | online
        wait 59 >  | online
        broken > wake 4 | retrying
        due > attempt 5 | resolving
        online >  | online
        wait 60 >  | online
        broken > wake 0.5 | retrying
        """,
    )


def test_what_retrying_cannot_mend_is_refused_until_somebody_acts(link: Link, clock: FakeClock) -> None:
    transcript(
        link,
        clock,
        """
        start > attempt 1 | resolving
        wrong >  | refused
        due >  | refused
        woke >  | refused
        reconfigure > drop, attempt 2 | resolving
        wrong >  | refused
        now > drop, attempt 3 | resolving
        """,
    )


def test_cancel_retry_and_reconfigure_at_any_moment(link: Link, clock: FakeClock) -> None:
    transcript(
        link,
        clock,
        """
        start > attempt 1 | resolving
        connecting host:1 >  | connecting
        now > drop, attempt 2 | resolving
        broken > wake 0.5 | retrying
        now > drop, attempt 3 | resolving
        reconfigure > drop, attempt 4 | resolving
        online >  | online
        reconfigure > close, attempt 5 | resolving
        stop > drop | offline
        reconfigure >  | offline
        now >  | offline
        """,
    )


def test_after_a_suspend_an_online_link_is_probed_and_a_waiting_one_tries(
    link: Link, clock: FakeClock
) -> None:
    transcript(
        link,
        clock,
        """
        start > attempt 1 | resolving
        online >  | online
        woke > probe | online
        broken > wake 0.5 | retrying
        woke > drop, attempt 2 | resolving
        """,
    )


def test_the_state_says_why_and_when(link: Link, clock: FakeClock) -> None:
    link.start()
    link.progress(link.number, "connecting", "host:5222")
    assert link.state == LinkState("connecting", attempt=1, endpoint="host:5222")
    link.failed(link.number, BROKEN)
    retry_at = clock.wall_us() + 500_000
    assert link.state == LinkState("retrying", "refused", "connection-refused", retry_at, 1)
    link.due(link.number)
    assert link.state == LinkState("resolving", attempt=2)


def test_late_answers_of_an_attempt_that_was_given_up_change_nothing(link: Link) -> None:
    link.start()
    old = link.number
    link.connect_now()
    assert link.failed(old, WRONG) == []
    assert not link.online(old, "host:1")
    link.progress(old, "authenticating")
    assert link.due(old) == []
    assert link.state.state == "resolving"


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=40))
def test_waits_have_full_jitter_and_a_cap(jitters: list[float]) -> None:
    draws = iter(jitters)
    link = Link(FakeClock(), lambda: next(draws))
    link.start()
    for count, jitter in enumerate(jitters):
        (wake,) = link.failed(link.number, BROKEN)
        assert isinstance(wake, Wake)
        assert wake.seconds == max(0.1, min(LONGEST_DELAY, 2**count) * jitter)
        link.due(link.number)


EVENTS = ["start", "stop", "now", "reconfigure", "online", "broken", "wrong", "due", "woke"]


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_no_order_of_events_leaves_it_stuck(events: list[str]) -> None:
    """Whatever happened: start (or now, where somebody has to act) leads to an attempt, stop leads to offline."""
    clock = FakeClock()
    link = Link(clock, lambda: 0.5)
    for event in events:
        if event == "online":
            link.online(link.number, "h")
        else:
            play(link, clock, event)
        assert (link.state.retry_at is not None) == (link.state.state == "retrying")
    link.stop()
    assert link.state == LinkState("offline")
    assert link.start() == [Attempt(link.number)]
