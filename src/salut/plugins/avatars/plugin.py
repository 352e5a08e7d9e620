# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``avatars``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from salut.api.contract import Service
from salut.engine.plugin import Host, Link, Plugin
from salut.plugins.avatars.api import CONTRACT
from salut.plugins.avatars.protocol import AvatarsProtocol, read_metadata
from salut.plugins.avatars.service import AvatarsService
from salut.plugins.pep.api import Pep
from salut.xmpp.router import Wires


class AvatarsPlugin(Plugin):
    """The pictures that people and rooms show."""

    name = "avatars"
    needs = ("pep",)
    prefers = ("presence", "roster", "rooms")
    contract = CONTRACT
    schema = "avatars_1"
    tables = ("avatar", "avatar_data")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        pep = host.need("pep", Pep)  # type: ignore[type-abstract]  # the port's Protocol
        self._service = AvatarsService(host, pep, read_metadata)
        self._service.protocol = AvatarsProtocol(cast("Wires", host.wires), self._service)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def wire(self, link: Link) -> None:
        self._service.protocol.wire(link)

    async def opening(self, profile: str) -> None:
        await self._service.opening(profile)

    def unwire(self, profile: str) -> None:
        self._service.forget(profile)

    def offline(self, profile: str) -> None:
        self._service.forget(profile)
