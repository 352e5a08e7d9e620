# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``presence``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from salut.api.contract import Service
from salut.api.ports import Read
from salut.api.wire import Item
from salut.engine.plugin import Host, Link, Plugin
from salut.plugins.presence.api import CONTRACT
from salut.plugins.presence.protocol import PresenceProtocol
from salut.plugins.presence.service import KEY, SELECT, PresenceService, of_row
from salut.plugins.roster.api import Roster


class PresencePlugin(Plugin):
    """What we tell others, and how they can be reached."""

    name = "presence"
    prefers = ("roster",)  # RFC 6121 section 4.2: the roster first, then presence
    contract = CONTRACT
    schema = "presence_1"
    tables = ("status",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = PresenceService(host)
        self._service.protocol = PresenceProtocol(self._service)
        roster = host.prefer("roster", Roster)  # type: ignore[type-abstract]  # the port's Protocol
        if roster is not None:
            self._service.contacts(roster.is_contact)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    def wire(self, link: Link) -> None:
        self._service.protocol.wire(link)

    def unwire(self, profile: str) -> None:
        self._service.forget(profile)

    async def online(self, profile: str, resumed: bool) -> None:
        await self._service.begin(profile, resumed)

    def offline(self, profile: str) -> None:
        self._service.end(profile)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        row = read.one(SELECT, (pid,))
        if row is not None:
            yield Item(KEY, KEY, cast("int", row[2]), of_row(row))
