# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``bookmarks``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from salut.api.contract import Service
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.plugin import Host, Plugin
from salut.plugins.bookmarks import store
from salut.plugins.bookmarks.api import CONTRACT
from salut.plugins.bookmarks.protocol import BookmarksProtocol
from salut.plugins.bookmarks.service import BookmarksService
from salut.plugins.pep.api import Pep
from salut.plugins.preferences.api import Preferences
from salut.plugins.rooms.api import Rooms


class BookmarksPlugin(Plugin):
    """Rooms follow the person from device to device."""

    name = "bookmarks"
    needs = ("pep", "rooms")
    prefers = ("preferences",)
    contract = CONTRACT
    schema = "bookmarks_1"
    tables = ("bookmark",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        rooms = host.need("rooms", Rooms)  # type: ignore[type-abstract]
        preferences = host.prefer("preferences", Preferences)  # type: ignore[type-abstract]
        self._service = BookmarksService(host, rooms, preferences)
        protocol = BookmarksProtocol(host, host.need("pep", Pep), self._service)  # type: ignore[type-abstract]
        self._service.protocol = self._service.book.protocol = protocol
        self.book = self._service.book

    def services(self) -> Sequence[Service]:
        return (self._service,)

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._service.load()

    async def online(self, profile: str, resumed: bool) -> None:
        if not resumed:
            self.host.owner.spawn(self._service.online(profile), f"bookmarks of {profile}")

    def forget(self, tx: Tx, pid: int) -> None:
        names = [name for name, number in self.host.journal.journals.pids.items() if number == pid]
        for name in names:
            self._loop.call_soon_threadsafe(self.book.forget, name)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        return store.snapshot(read, pid)
