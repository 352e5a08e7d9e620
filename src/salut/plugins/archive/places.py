# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where archived messages take their place among those that were there first. No I/O.

An archive's order is certain, its stamps are not: servers give whole seconds, clocks differ, and live messages
are placed by arrival. So the stamp only proposes. What decides is the archive's order, between the
neighbours that history knows already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

FIRST_SUB: Final = 1 << 40
"""Messages of a gap that share a place are told apart by ``sub``; pages come newest first, so it falls."""


class Entry(NamedTuple):
    """One archived message: when it was sent (microseconds), its place if history has it, whether it is our own
    and stands where we wrote it (not where the archive put it)."""

    natural: int
    known: int | None = None
    own: bool = False


class Arranged(NamedTuple):
    """Places in the order of the entries (a known one keeps its own), and the ``cap`` of the page before."""

    places: list[int]
    cap: int | None


def arrange(entries: Sequence[Entry], low: int, cap: int | None) -> Arranged:
    """Places for one page in the archive's order, never falling.

    All lie above ``low`` and not above ``cap`` (``None``: nothing stands above). Known messages part the page: what
    is archived before one stands below it, what is archived after it above. Own messages take their place when
    they are written and come into the archive when they are sent: where that contradicts what others said, it
    is the own message that stands wrong, and the others keep their order.
    """
    caps = _caps(entries, low, cap)
    places: list[int] = []
    floor, after_own = low + 1, 0
    below: int | None = None
    for entry, (most, before_own) in zip(entries, caps, strict=True):
        if entry.known is not None:
            places.append(entry.known)
            if entry.own:
                after_own = max(after_own, entry.known + 1)
                continue
            floor = max(floor, entry.known + 1)
            place = entry.known - 1
        else:
            place = max(entry.natural, floor, after_own)
            if before_own is not None:
                place = max(min(place, before_own), floor)
            if most is not None:
                place = max(min(place, most), low + 1)
            places.append(place)
            floor = place
        if below is None and place >= low:
            below = place if most is None else min(place, most)
    return Arranged(places, cap if below is None else below)


def _caps(entries: Sequence[Entry], low: int, cap: int | None) -> list[tuple[int | None, int | None]]:
    """For each entry, what it may not stand above: for the sake of others' messages, and of own ones."""
    caps: list[tuple[int | None, int | None]] = []
    own: int | None = None
    for entry in reversed(entries):
        caps.append((cap, own))
        if entry.known is None or entry.known <= low:
            continue
        if entry.own:
            own = entry.known - 1 if own is None else min(own, entry.known - 1)
        elif cap is None or entry.known <= cap + 1:
            cap = entry.known - 1
    caps.reverse()
    return caps
