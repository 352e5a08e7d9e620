# SPDX-License-Identifier: AGPL-3.0-or-later
"""When to ask a room whether we are still in it, and what its answer means (XEP-0410). No I/O; in seconds."""

from __future__ import annotations

from typing import Final, Literal

SILENCE: Final = 900.0  # nothing came from the room for so long (section 3)
UNHEARD: Final = 30.0  # what we said did not come back for so long
AGAIN: Final = 300.0  # between two questions where the answer decided nothing

Verdict = Literal["inside", "outside", "unknown"]

# Section 3.1. ``item-not-found``: inside, and somebody of ours changed the nick in this very moment.
_INSIDE: Final = frozenset({"", "service-unavailable", "feature-not-implemented", "item-not-found"})
_UNKNOWN: Final = frozenset(
    {"remote-server-not-found", "remote-server-timeout", "not-connected", "cancelled", "resource-constraint"}
)


class Pulse:
    """One room that we are in. ``now`` is a monotonic clock's."""

    def __init__(self, now: float) -> None:
        self._heard = now
        self._said = 0.0  # when we said the first thing that nothing came after; 0: nothing
        self._asked = 0.0

    def heard(self, now: float) -> None:
        """Something came from the room: we are in it."""
        self._heard = now
        self._said = 0.0

    def said(self, now: float) -> None:
        """We say something, which the room will send back to us too."""
        self._said = self._said or now

    def due(self, now: float) -> bool:
        """Whether to ask now. Answering yes counts as having asked."""
        if self._asked and now - self._asked < AGAIN and self._asked >= self._heard:
            return False
        if now - self._heard < SILENCE and not (self._said and now - self._said >= UNHEARD):
            return False
        self._asked = now
        return True


def verdict(condition: str) -> Verdict:
    """What an answer means; ``condition`` is empty for a result."""
    if condition in _INSIDE:
        return "inside"
    return "unknown" if condition in _UNKNOWN else "outside"
