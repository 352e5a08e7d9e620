# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``roomsearch``."""

from __future__ import annotations

from collections.abc import Sequence

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.roomsearch.api import CONTRACT
from salut.plugins.roomsearch.protocol import RoomSearchProtocol
from salut.plugins.roomsearch.service import RoomSearchService


class RoomSearchPlugin(Plugin):
    """Finding rooms."""

    name = "roomsearch"
    needs = ("rooms",)
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = RoomSearchService(host, RoomSearchProtocol())

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def unwire(self, profile: str) -> None:
        self._service.forget(profile)

    def offline(self, profile: str) -> None:
        self._service.forget(profile)
