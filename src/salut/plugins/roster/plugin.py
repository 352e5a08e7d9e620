# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``roster``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from salut.api.contract import Service
from salut.engine.plugin import Host, Link, Plugin
from salut.plugins.portability.api import Portability
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
    schema = "roster_1"
    tables = ("contact", "roster_version")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = RosterService(host)
        self._service.protocol = RosterProtocol(cast("Wires", host.wires), self._service)
        self._service.mirror.protocol = self._service.protocol
        portability = host.prefer("portability", Portability)  # type: ignore[type-abstract]  # a Protocol
        if portability is not None:
            portability.carry("contact", Contact, dump, self._service.load)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    def wire(self, link: Link) -> None:
        self._service.protocol.wire(link)

    def unwire(self, profile: str) -> None:
        self._service.protocol.unwire(profile)
        self._service.mirror.forget(profile)

    async def online(self, profile: str, resumed: bool) -> None:
        await self._service.mirror.begin(profile, resumed)

    def offline(self, profile: str) -> None:
        self._service.mirror.end(profile)
