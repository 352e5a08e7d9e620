# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``later``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from salut.api.contract import Service
from salut.api.ports import Read
from salut.api.wire import Item
from salut.engine.plugin import Host, Plugin
from salut.plugins.later import store
from salut.plugins.later.api import CONTRACT
from salut.plugins.later.service import LaterService


class LaterPlugin(Plugin):
    """Scheduled sending, and taking back within seconds."""

    name = "later"
    needs = ("chat", "history")
    prefers = ("rooms", "drafts")
    contract = CONTRACT
    schema = "later_1"
    tables = ("scheduled",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = LaterService(host)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    async def start(self) -> None:
        self.host.owner.spawn(self._service.clerk.run(), "send what is scheduled", standing=True)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        return store.snapshot(read, pid)
