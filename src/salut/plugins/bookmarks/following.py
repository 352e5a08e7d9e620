# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms follow their bookmarks: joined, renamed and left as these say."""

from __future__ import annotations

from collections.abc import Callable

from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.bookmarks.book import Book
from salut.plugins.bookmarks.marks import Mark
from salut.plugins.rooms.api import Room, Rooms


class Following:
    """One room at a time is made what its bookmark says. While that runs, what the room tells of itself is no
    news; after it, ``changed`` hears how the room stands, in case a window acted meanwhile."""

    def __init__(self, host: Host, rooms: Rooms, book: Book, changed: Callable[[str, Room], object]) -> None:
        self._host = host
        self._rooms = rooms
        self._book = book
        self._changed = changed
        self._running: set[tuple[str, str]] = set()

    def follows(self, profile: str, room: str) -> bool:
        """Whether this room is being made what its bookmark says."""
        return (profile, room) in self._running

    def nick(self, profile: str, mark: Mark) -> str:
        """The name that a bookmark stands for: where it says none, the account's."""
        return mark.nick or addresses.parse(self._host.address(profile)).local

    def follow(self, profile: str, room: str) -> None:
        """Begin, where there is something to do; returns at once."""
        if not self.follows(profile, room) and self._lacks(profile, room):
            self._running.add((profile, room))
            self._host.owner.spawn(self._follow(profile, room), f"follow bookmark {room}")

    def _lacks(self, profile: str, room: str) -> bool:
        mark = self._book.find(profile, room)
        shown = self._rooms.find(profile, room)
        if mark is None or not mark.autojoin:
            return shown is not None and shown.autojoin
        if shown is None or not shown.autojoin:
            return True
        return bool(mark.nick) and shown.state != "joining" and (shown.wanted or shown.nick) != mark.nick

    async def _follow(self, profile: str, room: str) -> None:
        try:
            while True:
                mark = self._book.find(profile, room)
                await self._act(profile, room, mark)
                if self._book.find(profile, room) == mark:
                    break
        except SalutError as error:
            self._host.log.info("bookmark not followed", room=room, reason=error.message)
            return
        finally:
            self._running.discard((profile, room))
        shown = self._rooms.find(profile, room)
        if shown is not None:
            self._changed(profile, shown)

    async def _act(self, profile: str, room: str, mark: Mark | None) -> None:
        if mark is None or not mark.autojoin:
            await self._rooms.leave_kept(profile, room)
        elif self._lacks(profile, room):
            shown = self._rooms.find(profile, room)
            nick = mark.nick or (
                (shown.wanted or shown.nick) if shown is not None else self.nick(profile, mark)
            )
            await self._rooms.join_kept(profile, room, nick, mark.password)
