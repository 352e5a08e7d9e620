# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``preferences``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from salut.api.contract import Service
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.plugin import Host, Plugin
from salut.plugins.pep.api import Pep
from salut.plugins.preferences import store
from salut.plugins.preferences.api import CONTRACT
from salut.plugins.preferences.protocol import PreferencesProtocol
from salut.plugins.preferences.service import PreferencesService
from salut.plugins.rooms.api import Rooms


class PreferencesPlugin(Plugin):
    """What the person wishes of each conversation: pinned, muted, when to notify."""

    name = "preferences"
    prefers = ("pep", "rooms")
    contract = CONTRACT
    schema = "preferences_1"
    tables = ("conversation_setting",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = PreferencesService(host, host.prefer("rooms", Rooms))  # type: ignore[type-abstract]
        pep = host.prefer("pep", Pep)  # type: ignore[type-abstract]
        if pep is not None:
            self._service.protocol = PreferencesProtocol(pep, self._service.heard)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._service.load()

    async def online(self, profile: str, resumed: bool) -> None:
        if not resumed:
            self.host.owner.spawn(self._service.online(profile), f"preferences of {profile}")

    def forget(self, tx: Tx, pid: int) -> None:
        names = [name for name, number in self.host.journal.journals.pids.items() if number == pid]
        for name in names:
            self._loop.call_soon_threadsafe(self._service.forget, name)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        return store.snapshot(read, pid)
