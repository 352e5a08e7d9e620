# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``archive``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from salut.api.contract import Service
from salut.api.ports import Read
from salut.api.wire import Item
from salut.engine.plugin import Host, Plugin
from salut.plugins.archive import gaps, heads
from salut.plugins.archive.api import CONTRACT
from salut.plugins.archive.preferences import PreferencesService
from salut.plugins.archive.protocol import ArchiveProtocol
from salut.plugins.archive.service import ArchiveService
from salut.plugins.rooms.api import Rooms
from salut.plugins.roster.api import Roster
from salut.xmpp.router import Wires


class ArchivePlugin(Plugin):
    """What came while nobody listened, from the server's archive."""

    name = "archive"
    needs = ("history", "chat")
    # Pages are asked for after these have spoken: what comes after our presence comes live, and nothing may
    # fall between the newest page and the first live message.
    prefers = ("presence", "carbons", "rooms", "roster")
    contract = CONTRACT
    schema = "archive_2"
    tables = ("archive_gap", "archive_top", "archive_head")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = ArchiveService(host)
        protocol = self._service.filler.protocol = ArchiveProtocol(cast("Wires", host.wires), host.log)
        self._preferences = PreferencesService(host, protocol)
        roster = host.prefer("roster", Roster)  # type: ignore[type-abstract]
        if roster is not None:
            self._service.filler.contacts = lambda read, pid: [
                address for address, _name in roster.names(read, pid)
            ]
        rooms = host.prefer("rooms", Rooms)  # type: ignore[type-abstract]  # the port's Protocol
        if rooms is not None:
            protocol.room_message = rooms.message
            self._service.is_room = rooms.is_room
            rooms.on_joining(self._service.joining)
            rooms.on_joined(self._service.joined)

    def services(self) -> Sequence[Service]:
        return (self._service, self._preferences)

    async def start(self) -> None:
        await self._service.settle()

    async def opening(self, profile: str) -> None:
        await self._service.begin(profile)

    async def online(self, profile: str, resumed: bool) -> None:
        self._service.filler.run(profile)

    def offline(self, profile: str) -> None:
        self._service.filler.forget(profile)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        for row in gaps.load(read, pid):
            yield Item("gap", str(row.id), row.rev, row.shown())
        for head in heads.load(read, pid):
            yield Item("head", head.key, head.rev, head.shown())
