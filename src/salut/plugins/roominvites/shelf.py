# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which invitations wait. No I/O: decides what is kept, what goes for it, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from salut.model import moment
from salut.plugins.roominvites.api import Invitation

MOST: Final = 200  # of a profile
MOST_STRANGERS: Final = 50
MOST_OF_DOMAIN: Final = 5  # of strangers of one server
LASTS: Final = 30 * 24 * 3600 * moment.SECOND


class Waiting(msgspec.Struct, frozen=True):
    """An invitation with the sealed password of its room."""

    shown: Invitation
    sealed: bytes = b""


class Shelf:
    """The invitations of one profile, by room.

    A stranger's never takes the place of a contact's, and strangers cannot crowd each other out: past the bounds
    the newest is refused, so that a flood changes nothing at all.
    """

    def __init__(self, waiting: Iterable[Waiting] = ()) -> None:
        self.waiting = {one.shown.room: one for one in waiting}

    def put(self, new: Waiting) -> bool:
        """Take an invitation; False: it is refused."""
        room, stranger = new.shown.room, new.shown.stranger
        old = self.waiting.get(room)
        if old is not None:
            if stranger and not old.shown.stranger:
                return False
            if stranger and old.shown.inviter != new.shown.inviter:
                return False
            if msgspec.structs.replace(new.shown, at=old.shown.at) == old.shown:
                return False  # the same again
        elif len(self.waiting) >= MOST or (stranger and self._crowded(new.shown)):
            return False
        self.waiting[room] = new
        return True

    def _crowded(self, new: Invitation) -> bool:
        strangers = [one.shown for one in self.waiting.values() if one.shown.stranger]
        domain = _domain(new.inviter)
        same = sum(_domain(one.inviter) == domain for one in strangers)
        service = sum(_domain(one.room) == _domain(new.room) for one in strangers)
        return len(strangers) >= MOST_STRANGERS or max(same, service) >= MOST_OF_DOMAIN

    def expired(self, now: int) -> list[str]:
        """Rooms whose invitations are too old to be of use; they are gone then."""
        old = [room for room, one in self.waiting.items() if now - one.shown.at > LASTS]
        for room in old:
            del self.waiting[room]
        return old

    def newest(self) -> list[Invitation]:
        """All, the newest first."""
        shown = [one.shown for one in self.waiting.values()]
        return sorted(shown, key=lambda one: (-one.at, one.room))


def _domain(address: str) -> str:
    return address.partition("/")[0].rpartition("@")[2]
