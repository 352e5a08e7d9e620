# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``roomadmin``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.roomadmin.api import CONTRACT
from salut.plugins.roomadmin.protocol import RoomAdminProtocol
from salut.plugins.roomadmin.service import RoomAdminService
from salut.plugins.rooms.api import Rooms
from salut.xmpp.router import Wires


class RoomAdminPlugin(Plugin):
    """Making, configuring, guarding and ending rooms."""

    name = "roomadmin"
    needs = ("rooms",)
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        rooms = host.need("rooms", Rooms)  # type: ignore[type-abstract]
        self._service = RoomAdminService(host, rooms)
        self._service.protocol = RoomAdminProtocol(cast("Wires", host.wires), self._service)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def unwire(self, profile: str) -> None:
        self._service.forget(profile)

    def offline(self, profile: str) -> None:
        self._service.forget(profile)
