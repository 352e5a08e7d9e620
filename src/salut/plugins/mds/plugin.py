# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``mds``."""

from __future__ import annotations

import asyncio

from salut.api.ports import Tx
from salut.engine.plugin import Host, Plugin
from salut.plugins.history.api import History
from salut.plugins.mds.api import CONTRACT
from salut.plugins.mds.protocol import MdsProtocol
from salut.plugins.mds.service import MdsService
from salut.plugins.pep.api import Pep
from salut.plugins.rooms.api import Rooms


class MdsPlugin(Plugin):
    """Read on one device, read on all."""

    name = "mds"
    needs = ("history", "pep")
    prefers = ("rooms",)
    contract = CONTRACT
    schema = "mds_1"
    tables = ("displayed",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        history = host.need("history", History)  # type: ignore[type-abstract]
        rooms = host.prefer("rooms", Rooms)  # type: ignore[type-abstract]
        pep = host.need("pep", Pep)  # type: ignore[type-abstract]
        self.service = MdsService(host, history, rooms)
        self.service.protocol = MdsProtocol(pep, host.address, self.service.heard, host.log)

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self.service.load()

    async def online(self, profile: str, resumed: bool) -> None:
        if not resumed:
            self.host.owner.spawn(self.service.online(profile), f"displayed marks of {profile}")

    def forget(self, tx: Tx, pid: int) -> None:
        self.service.emptied()
        names = [name for name, number in self.host.journal.journals.pids.items() if number == pid]
        for name in names:
            self._loop.call_soon_threadsafe(self.service.forget, name)
