# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``rooms``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import cast

from salut.api.contract import Service
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.plugin import Host, Link, Plugin
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History
from salut.plugins.presence.api import PresencePort, Status
from salut.plugins.rooms import store
from salut.plugins.rooms.api import CONTRACT
from salut.plugins.rooms.protocol import RoomsProtocol, ask, shown
from salut.plugins.rooms.service import RoomsService
from salut.xmpp.router import Wires


class RoomsPlugin(Plugin):
    """Rooms: joining, members, topics, what is said in them."""

    name = "rooms"
    needs = ("chat", "history")
    prefers = ("presence",)
    contract = CONTRACT
    schema = "rooms_1"
    tables = ("room",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        history = host.need("history", History)  # type: ignore[type-abstract]
        self._service = RoomsService(host, history, chat)
        self._protocol = RoomsProtocol(cast("Wires", host.wires), self._service.hearing)
        self._service.keeper.protocol = self._protocol
        chat.rooms(self._service)
        chat.ask(ask)
        presence = host.prefer("presence", PresencePort)  # type: ignore[type-abstract]
        if presence is not None:
            presence.rooms(self._service.is_room)
            presence.on_status(self._status)

    def _status(self, profile: str, status: Status) -> None:
        words = shown(status.show, status.status)
        self._service.keeper.follow(profile, words, visible=status.show != "offline")

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._service.keeper.load()

    async def stop(self) -> None:
        self._service.keeper.watch.end()

    def wire(self, link: Link) -> None:
        self._protocol.watch(link)

    def unwire(self, profile: str) -> None:
        self._service.keeper.offline(profile)

    async def online(self, profile: str, resumed: bool) -> None:
        if not resumed:
            self._service.keeper.online(profile)

    def offline(self, profile: str) -> None:
        self._service.keeper.offline(profile)

    def forget(self, tx: Tx, pid: int) -> None:
        names = [name for name, number in self.host.journal.journals.pids.items() if number == pid]
        for name in names:
            self._loop.call_soon_threadsafe(self._service.keeper.forget, name)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        return store.snapshot(read, pid)
