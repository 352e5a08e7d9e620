# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bookmarks decide: rooms and bookmarks follow each other, here and on other devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid, not_found
from salut.model.outbox import Outbox
from salut.model.words import _
from salut.plugins.bookmarks.api import Bookmark, BookmarksApi, BookmarkSettings
from salut.plugins.bookmarks.book import LIST, Book
from salut.plugins.bookmarks.following import Following
from salut.plugins.bookmarks.marks import LEGACY, NATIVE, Entry, Lists, Mark, merge
from salut.plugins.preferences.api import ConversationSetting, Preferences
from salut.plugins.rooms.api import Room, Rooms

if TYPE_CHECKING:
    from salut.plugins.bookmarks.protocol import BookmarksProtocol

MOST: Final = 10_000
MAX_NAME: Final = 200
CHECK_SECONDS: Final = 1.0


class BookmarksService(BookmarksApi):
    """The contract's methods, and what the server and other plugins tell."""

    def __init__(self, host: Host, rooms: Rooms, preferences: Preferences | None) -> None:
        self._host = host
        self._rooms = rooms
        self._preferences = preferences
        self.book = Book(host, self.ask)
        self._following = Following(host, rooms, self.book, self.room_changed)
        self._checks = Outbox(host.owner, self._check, "list of bookmarks", calm=CHECK_SECONDS)
        self.protocol: BookmarksProtocol
        rooms.on_changed(self.room_changed)
        if preferences is not None:
            preferences.on_set(self.wished)

    async def load(self) -> None:
        """Take up what is stored."""
        await self.book.load()
        for profile in self._host.journal.journals.pids:
            for room, entry in self.book.of(profile).items():
                if entry.mark.name and not entry.removed:
                    self._rooms.call_it(profile, room, entry.mark.name)

    # Windows
    async def list(self, *, profile: str) -> list[Bookmark]:
        self._host.pid(profile)
        entries = self.book.of(profile)
        return [entries[room].mark.shown for room in sorted(entries) if not entries[room].removed]

    async def set(
        self,
        *,
        profile: str,
        room: str,
        name: str | None = None,
        nick: str | None = None,
        autojoin: bool | None = None,
        password: str | None = None,
    ) -> Bookmark:
        address = self._room(profile, room)
        old = self.book.find(profile, address)
        if old is None and len(self.book.of(profile)) >= MOST:
            raise SalutError("too-large", _("A profile has at most {} bookmarks.").format(MOST))
        if name is not None and len(name) > MAX_NAME:
            raise invalid("name", _("A room's name has at most {} characters.").format(MAX_NAME))
        given = {"name": name, "nick": nick, "autojoin": autojoin, "password": password}
        if nick:
            given["nick"] = self._nick(address, nick)
        mark = msgspec.structs.replace(
            old or Mark(address=address), **{key: value for key, value in given.items() if value is not None}
        )
        if mark != old:
            self.book.change(profile, mark)
            self._show(profile, address)
            await self.book.settle(profile, [address])
        return mark.shown

    async def remove(self, *, profile: str, room: str) -> None:
        address = self._room(profile, room)
        old = self.book.find(profile, address)
        if old is None:
            raise not_found(_("There is no bookmark of {}. See them: jp bookmark").format(address))
        self.book.change(profile, old, removed=True)
        self._show(profile, address)
        await self.book.settle(profile, [address])

    def _room(self, profile: str, room: str) -> str:
        self._host.pid(profile)
        parsed = addresses.parse(room)
        if not parsed.local or parsed.resource:
            raise invalid("room", _("A room's address looks like name@server."))
        return parsed.bare

    def _nick(self, room: str, nick: str) -> str:
        try:
            return addresses.parse(f"{room}/{nick}").resource
        except SalutError:
            raise invalid("nick", _("“{}” cannot be a name in a room.").format(nick[:80])) from None

    # Rooms
    def room_changed(self, profile: str, room: Room) -> None:
        """A room was stored anew: what a window did to it is told to other devices."""
        if room.state == "joining" or self._following.follows(profile, room.address):
            return
        mark = self.book.find(profile, room.address)
        if mark is None:
            if not room.autojoin or len(self.book.of(profile)) >= MOST:
                return
            fresh = Mark(address=room.address, nick=room.wanted or room.nick, autojoin=True)
        else:
            fresh = msgspec.structs.replace(mark, autojoin=room.autojoin)
            if room.state == "joined" and (room.wanted or room.nick) != self._following.nick(profile, mark):
                fresh = msgspec.structs.replace(fresh, nick=room.wanted or room.nick)
        if room.state == "joined":
            fresh = self._with_password(profile, fresh)
        if fresh != mark:
            self.book.change(profile, fresh)
            self._host.owner.spawn(self.book.settle(profile, [room.address]), f"bookmark {room.address}")

    def _with_password(self, profile: str, mark: Mark) -> Mark:
        password = self._rooms.password(profile, mark.address)
        if not password or not self._host.settings.get("bookmarks", BookmarkSettings).passwords:
            return mark
        return msgspec.structs.replace(mark, password=password)

    # Preferences
    async def wished(self, profile: str, setting: ConversationSetting) -> bool:
        """A window wished something of a conversation; if it is a room, the bookmark tells other devices."""
        mark = self.book.find(profile, setting.address)
        if mark is None:
            room = self._rooms.find(profile, setting.address)
            if room is None:
                return False
            mark = Mark(address=room.address, nick=room.wanted or room.nick, autojoin=room.autojoin)
        self.book.change(profile, mark.with_wishes(setting))
        await self.book.settle(profile, [setting.address])
        return True

    async def _learn(self, profile: str, before: Mapping[str, Entry], rooms: Sequence[str]) -> None:
        """What other devices wished of these rooms."""
        if self._preferences is None:
            return
        learnt = []
        for room in rooms:
            entry = self.book.of(profile).get(room)
            if entry is not None and not entry.due & NATIVE and entry.there & NATIVE:
                learnt.append(entry.mark.wishes)
            elif (entry is None or entry.removed) and room in before:
                learnt.append(ConversationSetting(address=room))
        if learnt:
            await self._preferences.learn(profile, learnt)

    # The server
    async def online(self, profile: str) -> None:
        """A fresh session: both lists are read and made one, then what is due is told."""
        try:
            kept = self.protocol.kept(profile)
            native = await self.protocol.items(profile) if kept & NATIVE else None
            legacy = await self.protocol.storage(profile) if kept & LEGACY else None
        except SalutError as error:
            self._host.log.warning("bookmarks not fetched", profile=profile, reason=error.message)
            return
        if legacy is None:
            kept &= ~LEGACY
        await self._merge(profile, Lists(kept, native, legacy), self.book.of(profile), whole=True)

    async def heard(
        self, profile: str, marks: Sequence[Mark], retracted: Sequence[str], *, gone: bool = False
    ) -> None:
        """The server tells of items of the node."""
        known = self.book.of(profile)
        touched = dict.fromkeys([*(known if gone else ()), *(mark.address for mark in marks), *retracted])
        native = {mark.address: mark for mark in marks}
        for room in touched:
            if room in known and native.get(room) != known[room].mark:
                self.book.doubt(profile, room)
        about = {room: known[room] for room in touched if room in known}
        await self._merge(profile, Lists(self.protocol.kept(profile), native), about)

    def heard_list(self, profile: str) -> None:
        """The server tells of the one list of XEP-0048. It is read a little later: another device that writes both
        formats, as we do, has written both by then."""
        self._checks.put(profile, LIST)

    async def _check(self, profile: str, _key: str) -> bool:
        try:
            marks = await self.protocol.storage(profile)
            kept = self.protocol.kept(profile)
        except SalutError as error:
            self._host.log.info("list of bookmarks not read", profile=profile, reason=error.message)
            return True  # it is read with the next connection
        if marks is not None:
            await self._merge(profile, Lists(kept, None, marks), self.book.of(profile))
        return True

    async def ask(self, profile: str, room: str) -> None:
        """Ask how the server has one bookmark."""
        mark = await self.protocol.item(profile, room)
        await self.heard(profile, [mark] if mark is not None else [], [] if mark is not None else [room])

    async def _merge(
        self, profile: str, lists: Lists, about: Mapping[str, Entry], *, whole: bool = False
    ) -> None:
        known = self.book.of(profile)
        before = dict(about)
        merged = merge(before, lists)
        for room in before.keys() - merged.keys():
            del known[room]
        for room, entry in merged.items():
            if room in known or len(known) < MOST:
                known[room] = entry
        changed = [room for room in dict.fromkeys([*before, *merged]) if before.get(room) != known.get(room)]
        news = [room for room in changed if _says(before.get(room)) != _says(known.get(room))]
        for room in dict.fromkeys([*known, *news] if whole else news):
            self._show(profile, room, adopt=room not in before)
        if whole:
            self._adopt_rooms(profile)
        await self._learn(profile, before, changed)
        await self.book.settle(profile, changed)
        if whole:
            self.book.outbox.go(profile)

    def _adopt_rooms(self, profile: str) -> None:
        """Rooms that were joined before there was a bookmark get one."""
        for address, _name in self._rooms.names(profile):
            room = self._rooms.find(profile, address)
            if room is not None and room.autojoin and self.book.find(profile, address) is None:
                self.room_changed(profile, room)

    def _show(self, profile: str, room: str, *, adopt: bool = False) -> None:
        """Have the room be as the bookmark says. ``adopt``: a room that we are in stays joined, whatever a bookmark
        says that we never saw."""
        mark = self.book.find(profile, room)
        self._rooms.call_it(profile, room, mark.name if mark is not None else "")
        shown = self._rooms.find(profile, room)
        if adopt and mark is not None and not mark.autojoin and shown is not None and shown.autojoin:
            self.room_changed(profile, shown)
        else:
            self._following.follow(profile, room)


def _says(entry: Entry | None) -> Mark | None:
    """What rooms follow. Not an element that came back from the server: a window may be leaving the room now."""
    if entry is None or entry.removed:
        return None
    return msgspec.structs.replace(entry.mark, element="")
