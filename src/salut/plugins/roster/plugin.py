# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``roster``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import cast

from salut.api.contract import Service
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.plugin import Host, Link, Plugin
from salut.plugins.portability.api import Portability
from salut.plugins.roster import requests
from salut.plugins.roster.api import CONTRACT, Contact
from salut.plugins.roster.bringing import dump
from salut.plugins.roster.protocol import RosterProtocol
from salut.plugins.roster.service import RosterService
from salut.xmpp.router import Wires


class RosterPlugin(Plugin):
    """Contacts, groups, subscriptions."""

    name = "roster"
    prefers = ("history", "portability")
    contract = CONTRACT
    schema = "roster_2"
    tables = ("contact", "roster_version", "subscription_request", "subscription_news", "roster_delimiter")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = RosterService(host)
        self._service.protocol = RosterProtocol(cast("Wires", host.wires), self._service)
        self._service.mirror.protocol = self._service.grouping.protocol = self._service.protocol
        portability = host.prefer("portability", Portability)  # type: ignore[type-abstract]  # a Protocol
        if portability is not None:
            portability.carry("contact", Contact, dump, self._service.load)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._service.mirror.load()

    def wire(self, link: Link) -> None:
        self._service.protocol.wire(link)

    def unwire(self, profile: str) -> None:
        self._service.protocol.unwire(profile)
        self._service.mirror.end(profile)

    async def online(self, profile: str, resumed: bool) -> None:
        await self._service.mirror.begin(profile, resumed)
        if not resumed:  # nobody waits for it: it only says how names are shown
            self.host.owner.spawn(self._service.grouping.learn(profile), f"groups of {profile}")

    def offline(self, profile: str) -> None:
        self._service.mirror.end(profile)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        return requests.snapshot(read, pid)

    def forget(self, tx: Tx, pid: int) -> None:
        for name in [name for name, number in self.host.journal.journals.pids.items() if number == pid]:
            self._loop.call_soon_threadsafe(self._service.mirror.forget, name)
