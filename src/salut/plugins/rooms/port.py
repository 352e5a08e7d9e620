# SPDX-License-Identifier: AGPL-3.0-or-later
"""What other plugins use of rooms: the ports ``Rooms`` and, for chat, ``Occupancy``."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.rooms.api import ChangedHook, Hook, Member, Room
from salut.plugins.rooms.keeper import Keeper


class RoomsPort:
    """The part that needs no window."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    def sender(self, profile: str, room: str) -> str | None:
        """See ``Occupancy``."""
        kept = self.keeper.find(profile, room)
        return f"{room}/{kept.stay.shown.nick}" if kept is not None else None

    def ready(self, profile: str, room: str) -> bool:
        """See ``Occupancy``."""
        kept = self.keeper.find(profile, room)
        return kept is not None and kept.ready

    def check(self, profile: str, room: str) -> None:
        """See ``Occupancy``."""
        kept = self.keeper.find(profile, room)
        if kept is not None and kept.pulse is not None:
            kept.pulse.said(monotonic())
        if kept is None or kept.stay.inside or kept.retry is not None:
            return
        shown = kept.stay.shown
        if shown.autojoin and shown.state == "left":
            return  # for want of a link; it is joined again with the next one
        words = shown.error or _("You are not in the room {}. Join it: jp room join {}").format(room, room)
        raise SalutError("refused", words, {"condition": "not-joined", "room": room})

    def is_room(self, profile: str, bare: str) -> bool:
        """See ``Rooms``."""
        return self.keeper.find(profile, bare) is not None

    def names(self, profile: str) -> list[tuple[str, str]]:
        """See ``Rooms``."""
        called = self.keeper.called
        return [
            (kept.address, called.get((profile, kept.address)) or kept.stay.shown.name)
            for kept in self.keeper.of(profile)
        ]

    def on_changed(self, hook: ChangedHook) -> None:
        """See ``Rooms``."""
        self.keeper.changed_hooks.append(hook)

    def call_it(self, profile: str, room: str, name: str) -> None:
        """See ``Rooms``."""
        mark = (profile, room)
        if self.keeper.called.get(mark, "") == name:
            return
        self.keeper.called[mark] = name
        kept = self.keeper.find(profile, room)
        if kept is not None:
            self.keeper.host.owner.spawn(self.keeper.title(kept), f"title of {room}")

    def on_joining(self, hook: Hook) -> None:
        """See ``Rooms``."""
        self.keeper.joining_hooks.append(hook)

    def on_joined(self, hook: Hook) -> None:
        """See ``Rooms``."""
        self.keeper.joined_hooks.append(hook)

    def find(self, profile: str, bare: str) -> Room | None:
        """See ``Rooms``."""
        kept = self.keeper.find(profile, bare)
        return kept.stay.shown if kept is not None else None

    def members_of(self, profile: str, bare: str) -> Mapping[str, Member]:
        """See ``Rooms``."""
        kept = self.keeper.find(profile, bare)
        return kept.stay.members if kept is not None else {}

    def vouches(self, profile: str, bare: str) -> bool:
        """See ``Rooms``."""
        kept = self.keeper.find(profile, bare)
        return kept is not None and kept.stay.vouches is True

    def private(self, profile: str, bare: str) -> bool:
        """See ``Rooms``."""
        kept = self.keeper.find(profile, bare)
        return kept is not None and kept.private

    def password(self, profile: str, bare: str) -> str:
        """See ``Rooms``."""
        kept = self.keeper.find(profile, bare)
        return self.keeper.password(kept) if kept is not None else ""
