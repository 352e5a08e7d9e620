# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``strangers``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from salut.api.contract import Service
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.plugin import Host, Plugin
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History
from salut.plugins.rooms.api import Rooms
from salut.plugins.roster.api import Roster
from salut.plugins.strangers import store
from salut.plugins.strangers.api import CONTRACT
from salut.plugins.strangers.service import StrangersService


class StrangersPlugin(Plugin):
    """Those whom the person does not know wait until they are accepted."""

    name = "strangers"
    needs = ("chat", "history")
    prefers = ("blocking", "roster", "rooms")  # who is blocked does not even become a stranger
    contract = CONTRACT
    schema = "strangers_1"
    tables = ("stranger",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = StrangersService(host, host.need("history", History))  # type: ignore[type-abstract]
        roster = host.prefer("roster", Roster)  # type: ignore[type-abstract]  # the port's Protocol
        if roster is not None:
            self._service.contacts(roster.is_contact)
            roster.on_contacts(self._service.now_contacts)
        rooms = host.prefer("rooms", Rooms)  # type: ignore[type-abstract]
        if rooms is not None:
            self._service.rooms(rooms.is_room)
        chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        chat.filter(self._service.takes)
        chat.silence(self._service.is_stranger)
        chat.before_send(self._service.met)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._service.load()

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        return store.snapshot(read, pid)

    def forget(self, tx: Tx, pid: int) -> None:
        for name in [name for name, number in self.host.journal.journals.pids.items() if number == pid]:
            self._loop.call_soon_threadsafe(self._service.forget, name)
