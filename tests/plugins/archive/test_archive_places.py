# SPDX-License-Identifier: AGPL-3.0-or-later
"""Places of archived messages: whatever the pages, the stamps and what is known, the archive's order wins."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from salut.plugins.archive.places import FIRST_SUB, Entry, arrange

SECOND = 1_000_000
STEP = 4  # history leaves this much between live places


@st.composite
def archives(draw: st.DrawFn) -> tuple[list[int], list[int], int, int | None]:
    """Stamps of an archive's messages, lengths of the pages, the gap's low place, and what stands above."""
    start = draw(st.integers(10, 2_000)) * SECOND
    steps = draw(st.lists(st.integers(-3, 3), min_size=1, max_size=60))  # clocks are set back now and then
    stamps, at = [], start
    for step in steps:
        at = max(at + step * SECOND, 0)
        stamps.append(at)
    lengths = draw(st.lists(st.integers(1, 20), min_size=len(stamps), max_size=len(stamps)))
    low = draw(st.one_of(st.just(0), st.integers(1, 4_000 * SECOND)))
    above = draw(st.one_of(st.none(), st.integers(STEP, 4_000 * SECOND)))
    return stamps, lengths, low, None if above is None else low + above


def fill(
    stamps: list[int], lengths: list[int], low: int, cap: int | None, known: dict[int, int], own: bool = False
) -> list[tuple[int, int]]:
    """Fill a gap as the keeper does: newest page first. Place and sub of each message, in archive order."""
    found: dict[int, tuple[int, int]] = {}
    sub, end = FIRST_SUB, len(stamps)
    for length in lengths:
        if end <= 0:
            break
        begin = max(end - length, 0)
        page = range(begin, end)
        entries = [Entry(stamps[n], known.get(n), own) for n in page]
        places, cap = arrange(entries, low, cap)
        sub -= len(entries)
        for index, n in enumerate(page):
            found[n] = (places[index], 0 if n in known else sub + index)
        end = begin
    return [found[n] for n in range(len(stamps))]


@given(archives())
def test_archive_order_holds_between_live_neighbours(
    archive: tuple[list[int], list[int], int, int | None],
) -> None:
    stamps, lengths, low, above = archive
    cap = None if above is None else above - 1
    order = fill(stamps, lengths, low, cap, {})
    assert all(a < b for a, b in pairwise(order))
    assert all(place > low for place, _sub in order)
    if above is not None:
        assert all(place < above for place, _sub in order)


@given(archives(), st.data())
def test_archive_order_holds_around_messages_that_are_known(
    archive: tuple[list[int], list[int], int, int | None], data: st.DataObject
) -> None:
    """Some of the archive's messages are live ones of this session already: their places rise, a step apart.

    They are in the newest page: what the session brought live it brought before the page was asked for.
    """
    stamps, lengths, low, _above = archive
    numbers = sorted(data.draw(st.sets(st.integers(0, len(stamps) - 1), max_size=10)))
    known: dict[int, int] = {}
    place = low
    for number in numbers:
        place += data.draw(st.integers(STEP, 100 * SECOND))
        known[number] = place
    if numbers:
        lengths[0] = max(lengths[0], len(stamps) - numbers[0])
    order = fill(stamps, lengths, low, None, known)
    assert all(a < b for a, b in pairwise(order))
    assert all(order[number] == (place, 0) for number, place in known.items())


@given(archives(), st.data())
def test_own_messages_out_of_order_disturb_only_themselves(
    archive: tuple[list[int], list[int], int, int | None], data: st.DataObject
) -> None:
    """An own message may be placed lower than the archive has it; the others keep the archive's order."""
    stamps, lengths, low, _above = archive
    numbers = data.draw(st.sets(st.integers(0, len(stamps) - 1), max_size=5))
    known = {number: data.draw(st.integers(1, low + SECOND)) for number in numbers}
    order = fill(stamps, lengths, low, None, known, own=True)
    others = [where for number, where in enumerate(order) if number not in known]
    assert all(a < b for a, b in pairwise(others))
    assert all(place > low for place, _sub in others)


def test_a_stamp_within_its_bounds_is_kept() -> None:
    assert arrange([Entry(50), Entry(70)], 10, 100).places == [50, 70]
    assert arrange([Entry(50), Entry(70)], 60, 65).places == [61, 65]
    assert arrange([Entry(50), Entry(70)], 10, 100).cap == 50


def test_own_messages_part_a_page_where_that_contradicts_nobody() -> None:
    own = Entry(90, 60, own=True)
    assert arrange([Entry(90), own, Entry(10)], 20, None).places == [59, 60, 61]
    assert arrange([Entry(90), Entry(90, 70), Entry(90), own, Entry(10)], 20, None).places == [
        59,
        70,
        71,
        60,
        71,
    ]


def test_known_messages_part_a_page() -> None:
    entries = [Entry(90), Entry(90, 40), Entry(10), Entry(90, 80), Entry(10)]
    assert arrange(entries, 20, None).places == [39, 40, 41, 80, 81]
