# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``blocking``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import cast

from salut.api.contract import Service
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.plugin import Host, Link, Plugin
from salut.plugins.blocking import store
from salut.plugins.blocking.api import CONTRACT
from salut.plugins.blocking.protocol import BlockingProtocol
from salut.plugins.blocking.service import BlockingService
from salut.plugins.chat.api import Chat
from salut.plugins.roster.api import Roster
from salut.xmpp.router import Wires


class BlockingPlugin(Plugin):
    """Nothing from these addresses and domains."""

    name = "blocking"
    needs = ("chat",)
    prefers = ("history", "roster")
    contract = CONTRACT
    schema = "blocking_1"
    tables = ("blocked",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = BlockingService(host)
        self._protocol = self._service.protocol = BlockingProtocol(cast("Wires", host.wires), self._service)
        chat = host.need("chat", Chat)  # type: ignore[type-abstract]  # the port's Protocol
        chat.filter(self._service.takes)
        chat.silence(self._service.is_blocked)
        chat.before_send(self._service.sending)
        roster = host.prefer("roster", Roster)  # type: ignore[type-abstract]
        if roster is not None:
            roster.ignore(self._service.is_blocked)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._service.load()

    def wire(self, link: Link) -> None:
        self._protocol.wire(link)

    def unwire(self, profile: str) -> None:
        self._protocol.unwire(profile)

    async def online(self, profile: str, resumed: bool) -> None:
        await self._service.begin(profile, resumed)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        return store.snapshot(read, pid)

    def forget(self, tx: Tx, pid: int) -> None:
        for name in [name for name, number in self.host.journal.journals.pids.items() if number == pid]:
            self._loop.call_soon_threadsafe(self._service.forget, name)
