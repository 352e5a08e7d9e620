# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``markers``."""

from __future__ import annotations

from typing import cast

from salut.engine.plugin import Host, Plugin
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History
from salut.plugins.markers.api import CONTRACT
from salut.plugins.markers.protocol import MarkersProtocol
from salut.plugins.markers.service import MarkersService
from salut.plugins.rooms.api import Rooms
from salut.xmpp.router import Wires


class MarkersPlugin(Plugin):
    """Own messages become ``read``; senders who ask learn that theirs were."""

    name = "markers"
    needs = ("chat", "history")
    prefers = ("rooms",)
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        history = host.need("history", History)  # type: ignore[type-abstract]
        chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        service = MarkersService(host, history, chat, host.prefer("rooms", Rooms))  # type: ignore[type-abstract]
        service.protocol = MarkersProtocol(cast("Wires", host.wires), chat, service)
