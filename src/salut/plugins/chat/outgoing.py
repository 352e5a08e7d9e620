# SPDX-License-Identifier: AGPL-3.0-or-later
"""What leaves when: own messages leave once in a session, in the order in which they were written. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Outgoing:
    """One profile's way out. Messages that may not leave at once stay ``pending``; a flush takes them along.

    ``held``: the newest pending message that may be with the server already (None: none); until the archive has
    said so nothing leaves. ``flushing``: a flush is at work. ``stuck``: something could not leave; what comes
    after it waits for the next flush. ``left``: what was sent in this session and is not confirmed.
    """

    held: int | None = None
    flushing: bool = False
    again: bool = False
    stuck: bool = False
    left: set[str] = field(default_factory=set)

    def direct(self) -> bool:
        """Whether a new message may leave at once, nothing older being in the way. A flush that is at work
        learns that there is more."""
        self.again = True
        return self.held is None and not self.flushing and not self.stuck

    def begin(self) -> bool:
        """Begin a flush; false where it has to wait, or another one does the work."""
        self.again = True
        if self.held is not None or self.flushing:
            return False
        self.flushing = True
        return True

    def round(self) -> bool:
        """Begin a round of a flush; false when there is nothing more to do."""
        more, self.again = self.again, False
        if more:
            self.stuck = False
        return more

    def end(self, *, stuck: bool) -> None:
        """The flush is over."""
        self.flushing, self.stuck = False, stuck
