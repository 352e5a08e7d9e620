# SPDX-License-Identifier: AGPL-3.0-or-later
"""What two lists on the server make of what is known: decisions, without I/O."""

from __future__ import annotations

from typing import Any

import pytest

from salut.plugins.bookmarks.marks import LEGACY, NATIVE, Entry, Lists, Mark, merge

BOTH = NATIVE | LEGACY
ROOM = "coven@chat.shakespeare.lit"


def mark(**values: Any) -> Mark:
    return Mark(address=ROOM, **values)


def decide(
    known: Entry | None, native: Mark | str | None, legacy: Mark | str | None, kept: int = BOTH
) -> Entry | None:
    """Merge lists that hold this mark, nothing (``""``), or were not asked for (``None``)."""

    def listed(found: Mark | str | None) -> dict[str, Mark] | None:
        return None if found is None else {ROOM: found} if isinstance(found, Mark) else {}

    lists = Lists(kept, listed(native), listed(legacy))
    return merge({ROOM: known} if known is not None else {}, lists).get(ROOM)


OLD = mark(nick="A", autojoin=True)
NEW = mark(nick="B", autojoin=True)
KNOWN = Entry(OLD, BOTH)


@pytest.mark.parametrize(
    ("known", "native", "legacy", "wanted"),
    [
        # Nothing happened.
        (KNOWN, OLD, OLD, Entry(OLD, BOTH)),
        # Added elsewhere, in one format or both: the other list is completed.
        (None, NEW, "", Entry(NEW, NATIVE, LEGACY)),
        (None, "", NEW, Entry(NEW, LEGACY, NATIVE)),
        (None, NEW, NEW, Entry(NEW, BOTH)),
        (None, NEW, OLD, Entry(NEW, BOTH, LEGACY)),
        # Changed elsewhere.
        (KNOWN, NEW, OLD, Entry(NEW, BOTH, LEGACY)),
        (KNOWN, OLD, NEW, Entry(NEW, BOTH, NATIVE)),
        (KNOWN, NEW, mark(nick="C"), Entry(NEW, BOTH, LEGACY)),
        # Removed elsewhere: it goes from the other list too, and then is forgotten.
        (KNOWN, "", OLD, Entry(OLD, LEGACY, LEGACY, removed=True)),
        (KNOWN, OLD, "", Entry(OLD, NATIVE, NATIVE, removed=True)),
        (KNOWN, "", "", None),
        (Entry(OLD, LEGACY, LEGACY, removed=True), "", "", None),
        # Removed and made again by another device.
        (Entry(OLD, LEGACY, LEGACY, removed=True), NEW, OLD, Entry(NEW, BOTH, LEGACY)),
        # Changed here and not told yet: that goes first, whatever happened elsewhere.
        (Entry(OLD, BOTH, BOTH), NEW, NEW, Entry(OLD, BOTH, BOTH)),
        (Entry(OLD, BOTH, BOTH), "", "", Entry(OLD, 0, BOTH)),
        (Entry(OLD, 0, BOTH), "", "", Entry(OLD, 0, BOTH)),
        (Entry(OLD, BOTH, BOTH, removed=True), NEW, OLD, Entry(OLD, BOTH, BOTH, removed=True)),
        (Entry(OLD, BOTH, BOTH, removed=True), "", "", None),
        # The one list is still to be written: what it says is no news.
        (Entry(NEW, BOTH, LEGACY), NEW, OLD, Entry(NEW, BOTH, LEGACY)),
        (Entry(NEW, BOTH, LEGACY), NEW, "", Entry(NEW, NATIVE, LEGACY)),
        # Only one of them was asked for.
        (KNOWN, NEW, None, Entry(NEW, BOTH, LEGACY)),
        (KNOWN, None, NEW, Entry(NEW, BOTH, NATIVE)),
        (KNOWN, None, "", Entry(OLD, NATIVE, NATIVE, removed=True)),
        (None, None, NEW, Entry(NEW, LEGACY, NATIVE)),
    ],
)
def test_two_lists(known: Entry | None, native: Any, legacy: Any, wanted: Entry | None) -> None:
    assert decide(known, native, legacy) == wanted


@pytest.mark.parametrize(
    ("known", "native", "wanted"),
    [
        (None, NEW, Entry(NEW, NATIVE)),
        (Entry(OLD, NATIVE), NEW, Entry(NEW, NATIVE)),
        (Entry(OLD, NATIVE), "", None),
        (Entry(OLD), "", Entry(OLD, 0, NATIVE)),
    ],
)
def test_a_server_that_unifies_both_formats(known: Entry | None, native: Any, wanted: Entry | None) -> None:
    """``#compat``: the items alone are ours to keep."""
    assert decide(known, native, None, kept=NATIVE) == wanted


@pytest.mark.parametrize(
    ("known", "legacy", "wanted"),
    [
        (None, NEW, Entry(NEW, LEGACY)),
        (Entry(OLD, LEGACY), NEW, Entry(NEW, LEGACY)),
        (Entry(OLD, LEGACY), "", None),
        (Entry(OLD, LEGACY, LEGACY), NEW, Entry(OLD, LEGACY, LEGACY)),
        (Entry(OLD), "", Entry(OLD, 0, LEGACY)),
    ],
)
def test_a_server_without_personal_eventing(known: Entry | None, legacy: Any, wanted: Entry | None) -> None:
    assert decide(known, None, legacy, kept=LEGACY) == wanted


def test_a_change_here_keeps_what_others_put_into_the_element_meanwhile() -> None:
    here = Entry(mark(nick="mine", pinned=True, element="<old/>"), NATIVE, NATIVE)
    entry = decide(here, mark(nick="theirs", element="<new/>"), None, kept=NATIVE)
    assert entry == Entry(mark(nick="mine", pinned=True, element="<new/>"), NATIVE, NATIVE)


def test_the_old_format_takes_nothing_away_that_it_does_not_know() -> None:
    known = Entry(mark(nick="A", password="secret", pinned=True, element="<x/>"), BOTH)
    entry = decide(known, known.mark, mark(nick="B"))
    assert entry == Entry(mark(nick="B", password="secret", pinned=True, element="<x/>"), BOTH, NATIVE)
