# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which rooms there are, stored and shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from salut.engine.plugin import Host
from salut.plugins.rooms import store
from salut.plugins.rooms.api import ChangedHook, Member, Room
from salut.plugins.rooms.kept import Kept
from salut.plugins.rooms.machine import Stay

if TYPE_CHECKING:
    from salut.plugins.rooms.protocol import RoomsProtocol

SHOW_SECONDS: Final = 1.0  # a count of members is written at most this often


class Book:
    """The rooms of all profiles."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.protocol: RoomsProtocol
        self._rooms: dict[str, dict[str, Kept]] = {}
        self.changed_hooks: list[ChangedHook] = []
        self.called: dict[tuple[str, str], str] = {}  # profile and address -> the person's own name of a room

    async def load(self) -> None:
        """Take up what is stored. We are in no room yet, whatever was true when the daemon ended."""
        for profile, pid in self.host.journal.journals.pids.items():
            stored = await self.host.readers.read(lambda read, pid=pid: store.load(read, pid))  # type: ignore[misc]
            for room, sealed in stored:
                kept = self.add(profile, room)
                kept.sealed = sealed
                if kept.stay.inside or room.autojoin:
                    kept.stay.leave()
            if stored:
                await self.write(profile, self.of(profile))

    # Which rooms there are
    def of(self, profile: str) -> list[Kept]:
        """The rooms of a profile, by address."""
        rooms = self._rooms.get(profile, {})
        return [rooms[address] for address in sorted(rooms)]

    def all(self) -> list[Kept]:
        """The rooms of all profiles."""
        return [kept for rooms in self._rooms.values() for kept in rooms.values()]

    def find(self, profile: str, room: str) -> Kept | None:
        """One of them."""
        rooms = self._rooms.get(profile)
        return rooms.get(room) if rooms is not None else None

    def add(self, profile: str, room: Room) -> Kept:
        """A room more."""
        rooms = self._rooms.setdefault(profile, {})
        kept = rooms[room.address] = Kept(profile, Stay(room))
        self.protocol.own(profile, room.address, True)
        return kept

    def remove(self, kept: Kept) -> None:
        """A room less."""
        kept.quiet()
        self._rooms.get(kept.profile, {}).pop(kept.address, None)
        self.protocol.own(kept.profile, kept.address, False)

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        for kept in self.of(profile):
            self.remove(kept)
        self._rooms.pop(profile, None)
        self.called = {mark: name for mark, name in self.called.items() if mark[0] != profile}

    # Showing
    async def write(self, profile: str, all_kept: Iterable[Kept]) -> None:
        """Store rooms as they are shown, and tell."""
        shown = [kept.stay.shown for kept in all_kept]
        await self.host.journal.commit(profile, lambda tx: store.write(tx, shown), patient=True)
        self.changed(profile, shown)

    def changed(self, profile: str, rooms: Iterable[Room]) -> None:
        """Tell those who asked that rooms were stored anew."""
        for room in rooms:
            for hook in self.changed_hooks:
                hook(profile, room)

    async def show(self, kept: Kept) -> None:
        """The same for one; what was to be shown soon is shown with it."""
        if kept.showing is not None:
            kept.showing.cancel()
            kept.showing = None
        if self.find(kept.profile, kept.address) is kept:
            await self.write(kept.profile, [kept])

    def show_soon(self, kept: Kept) -> None:
        """Show a room within a second: many come and go at once."""
        if kept.showing is None:
            loop = asyncio.get_running_loop()
            kept.showing = loop.call_later(SHOW_SECONDS, self.show_now, kept)

    def show_now(self, kept: Kept) -> None:
        """Show a room; returns at once."""
        self.host.owner.spawn(self.show(kept), f"show room {kept.address}")

    def publish(self, kept: Kept, members: Iterable[tuple[str, Member | None]]) -> None:
        """Tell of members."""
        self.host.journal.passing_many(
            kept.profile, [("member", f"{kept.address}/{nick}", member) for nick, member in members]
        )

    def withdraw(self, kept: Kept) -> None:
        """Nobody is known to be in the room any more."""
        self.host.journal.drop_passing(kept.profile, "member", f"{kept.address}/")
