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
    """One archived message: when it was sent (microseconds), and its place if history has it."""

    natural: int
    known: int | None = None


class Arranged(NamedTuple):
    """Places in the order of the entries (a known one keeps its own), and the ``cap`` of the page before."""

    places: list[int]
    cap: int | None


def arrange(entries: Sequence[Entry], low: int, cap: int | None) -> Arranged:
    """Places for one page in the archive's order, never falling.

    All lie above ``low`` and not above ``cap`` (``None``: nothing stands above). Known messages part the
    page: what is archived before one stands below it, what is archived after it above. Own messages may be known
    at a place lower than the archive's order would have (they are placed when written, archived when
    sent): where they contradict others they are passed over.
    """
    caps: list[int | None] = []
    for entry in reversed(entries):
        caps.append(cap)
        if entry.known is not None and low < entry.known and (cap is None or entry.known <= cap + 1):
            cap = entry.known - 1
    caps.reverse()
    places: list[int] = []
    floor = low + 1
    below: int | None = None
    for entry, most in zip(entries, caps, strict=True):
        if entry.known is not None:
            places.append(entry.known)
            floor = max(floor, entry.known + 1)
            if below is None and entry.known > low:
                below = entry.known - 1
            continue
        place = max(entry.natural, floor)
        if most is not None and place > most:
            place = max(most, floor)
        places.append(place)
        floor = place
        if below is None:
            below = place
    return Arranged(places, cap if below is None else below)
