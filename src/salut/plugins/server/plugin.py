# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``server``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from salut.api.contract import Service
from salut.api.ports import Read
from salut.api.wire import Item
from salut.engine.plugin import Host, Link, Plugin
from salut.plugins.server.api import CONTRACT
from salut.plugins.server.service import KEY, ServerService, shown
from salut.xmpp.router import Wires


class ServerPlugin(Plugin):
    """What servers say of themselves, and what we say of us."""

    name = "server"
    prefers = ("roster",)
    contract = CONTRACT
    schema = "server_1"
    tables = ("server_status",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = ServerService(host, cast("Wires", host.wires))

    def services(self) -> Sequence[Service]:
        return (self._service,)

    async def start(self) -> None:
        self.host.owner.spawn(self._service.watch(), "watch for outages", standing=True)

    def wire(self, link: Link) -> None:
        self._service.protocol.wire(link)

    def unwire(self, profile: str) -> None:
        self._service.protocol.unwire(profile)
        self._service.forget(profile)

    async def online(self, profile: str, resumed: bool) -> None:
        if not resumed:
            await self._service.online(profile)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        found = shown(read, pid)
        if found is not None:
            yield Item(KEY, KEY, found[1], found[0])
