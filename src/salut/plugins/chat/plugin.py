# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``chat``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.chat.api import CONTRACT
from salut.plugins.chat.protocol import ChatProtocol, register
from salut.plugins.chat.service import ChatService
from salut.xmpp.router import Wires


class ChatPlugin(Plugin):
    """Writing to people and rooms, typing notices."""

    name = "chat"
    needs = ("history",)
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = ChatService(host)
        register(self._service)
        self._service.protocol = ChatProtocol(cast("Wires", host.wires), self._service)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    async def opening(self, profile: str) -> None:
        if not self._service.protocol.has_begun(self.host.link(profile)):
            self._service.begin(profile)

    async def online(self, profile: str, resumed: bool) -> None:
        if not resumed:
            self._service.protocol.begin(self.host.link(profile))
        await self._service.flush(profile)

    def offline(self, profile: str) -> None:
        self._service.forget(profile)
