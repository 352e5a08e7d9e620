# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is due when: never early, never long after, whatever is done to the clocks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from salut.plugins.later.agenda import LATE, SECOND, STEP, Agenda, Entry

WALL = 1_700_000_000 * SECOND


def ids(agenda: Agenda, entries: list[Entry], wall: int, mono: float) -> list[int]:
    return [entry.id for entry, _late in agenda.plan(entries, wall, mono).due]


def test_at_its_time_and_not_before() -> None:
    agenda, entry = Agenda(), Entry(1, 1, WALL + 3 * SECOND)
    plan = agenda.plan([entry], WALL, 100.0)
    assert (plan.due, plan.wait) == ([], 3.0)
    assert agenda.plan([entry], WALL + 3 * SECOND - 1, 103.0).due == []
    assert agenda.plan([entry], WALL + 3 * SECOND, 103.0).due == [(entry, False)]
    far = agenda.plan([Entry(1, 1, WALL + 3600 * SECOND)], WALL, 100.0)
    assert far.wait == STEP  # the clock may be set while we sleep
    assert agenda.plan([], WALL, 100.0).wait is None


def test_in_order_and_late_marked() -> None:
    agenda = Agenda()
    entries = [
        Entry(1, 3, WALL - 2),
        Entry(1, 1, WALL - 1),
        Entry(2, 2, WALL - LATE - 1),
        Entry(1, 4, WALL - 2),
    ]
    due = agenda.plan(entries, WALL, 0.0).due
    assert [(entry.id, late) for entry, late in due] == [(2, True), (3, False), (4, False), (1, False)]


def test_a_hold_does_not_mind_the_wall_clock() -> None:
    agenda = Agenda()
    end = agenda.until((1, "b"), 100.0, 10.0)
    entry = Entry(1, 1, WALL + 10 * SECOND, "b", 10 * SECOND)
    agenda.hold(entry.key, end)
    assert (
        ids(agenda, [entry], WALL + 3600 * SECOND, 109.0) == []
    )  # the clock was set on: still to be taken back
    assert agenda.plan([entry], WALL - 3600 * SECOND, 110.0).due == [(entry, False)]  # set back: not longer


def test_a_hold_of_an_earlier_life_is_not_drawn_out() -> None:
    entry = Entry(1, 1, WALL + 10 * SECOND, "b", 10 * SECOND)
    agenda = Agenda()
    assert agenda.plan([entry], WALL - 3600 * SECOND, 5.0).wait == STEP
    assert ids(agenda, [entry], WALL - 3600 * SECOND, 15.0) == [1]
    assert Agenda().plan([entry], WALL + 600 * SECOND, 5.0).due == [(entry, True)]


def test_held_messages_of_a_conversation_keep_their_order() -> None:
    agenda = Agenda()
    assert agenda.until((1, "b"), 0.0, 10.0) == 10.0
    assert agenda.until((1, "b"), 1.0, 2.0) == 10.0
    assert agenda.until((1, "c"), 1.0, 2.0) == 3.0
    assert agenda.until((1, "b"), 11.0, 2.0) == 13.0


def test_failures_are_tried_again_ever_more_rarely() -> None:
    agenda, entry = Agenda(), Entry(1, 1, WALL)
    waits = []
    mono = 0.0
    for _try in range(9):
        assert ids(agenda, [entry], WALL, mono) == [1]
        agenda.again(entry.key, mono)
        mono += 0.001
        assert ids(agenda, [entry], WALL, mono) == []
        pause = agenda.retries[entry.key][0] - mono
        waits.append(round(pause, 1))
        mono += pause
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    agenda.plan([], WALL, mono)
    assert not agenda.retries  # what is gone is forgotten


steps = st.lists(
    st.tuples(st.floats(0.0, 20.0), st.one_of(st.just(0), st.integers(-7200, 7200))), min_size=1, max_size=40
)
rows = st.lists(
    st.tuples(st.integers(-100, 200), st.sampled_from([0, 0, 5, 10]), st.booleans()), min_size=1, max_size=12
)


@settings(max_examples=300, deadline=None)
@given(rows, steps)
def test_each_once_never_early_never_long_after(
    given_rows: list[tuple[int, int, bool]], moves: list[tuple[float, int]]
) -> None:
    """Time passes (at most as long as the plan says) and the wall's clock is set to and fro meanwhile."""
    agenda, wall, mono = Agenda(), WALL, 50.0
    entries = {
        key: Entry(1, key, WALL + (undo or at) * SECOND, "b", undo * SECOND, sending and not undo)
        for key, (at, undo, sending) in enumerate(given_rows, 1)
    }
    gone: list[int] = []
    since: dict[int, float] = {}  # when it could have left by its own clock
    for passing, jump in moves:
        plan = agenda.plan(list(entries.values()), wall, mono)
        for entry, _late in plan.due:
            assert entry.id not in gone
            gone.append(entry.id)
            del entries[entry.id]
            if entry.undo:
                assert mono - 50.0 >= entry.undo / SECOND - 1e-3  # it could be taken back for that long
            elif not entry.sending:
                assert wall >= entry.at
        for entry in entries.values():
            if entry.undo:
                assert mono - 50.0 < entry.undo / SECOND
            else:
                assert wall < entry.at
        assert (plan.wait is None) == (not entries)
        step = min(passing, plan.wait if plan.wait is not None else passing)
        mono += step
        wall += int(step * SECOND) + jump * SECOND
        for entry in entries.values():
            if not entry.undo and wall >= entry.at:
                since.setdefault(entry.id, mono)
                assert mono - since[entry.id] <= STEP
