# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``roominvites``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import cast

from salut.api.contract import Service
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.plugin import Host, Plugin
from salut.plugins.roominvites import store
from salut.plugins.roominvites.api import CONTRACT
from salut.plugins.roominvites.protocol import RoomInvitesProtocol
from salut.plugins.roominvites.service import RoomInvitesService
from salut.plugins.rooms.api import Rooms
from salut.plugins.roster.api import Roster
from salut.xmpp.router import Wires


class RoomInvitesPlugin(Plugin):
    """Invitations to rooms: sent, kept, answered."""

    name = "roominvites"
    needs = ("rooms",)
    prefers = ("roster",)
    contract = CONTRACT
    schema = "roominvites_1"
    tables = ("room_invitation",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        rooms = host.need("rooms", Rooms)  # type: ignore[type-abstract]
        roster = host.prefer("roster", Roster)  # type: ignore[type-abstract]
        self._service = RoomInvitesService(host, rooms, roster)
        self._service.protocol = RoomInvitesProtocol(cast("Wires", host.wires), self._service)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._service.load()

    async def online(self, profile: str, resumed: bool) -> None:
        await self._service.tidy(profile)

    def forget(self, tx: Tx, pid: int) -> None:
        names = [name for name, number in self.host.journal.journals.pids.items() if number == pid]
        for name in names:
            self._loop.call_soon_threadsafe(self._service.forget, name)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        return store.snapshot(read, pid)
