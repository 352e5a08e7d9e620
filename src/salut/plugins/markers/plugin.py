# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``markers``."""

from __future__ import annotations

from typing import cast

from salut.engine.plugin import Host, Plugin
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Conversation, History, Message
from salut.plugins.markers.api import CONTRACT
from salut.plugins.markers.protocol import MarkersProtocol
from salut.xmpp.router import Wires


class MarkersPlugin(Plugin):
    """Own messages become ``read``; senders who ask learn that theirs were."""

    name = "markers"
    needs = ("chat", "history")
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        self._protocol = MarkersProtocol(cast("Wires", host.wires), self._chat)
        host.need("history", History).on_read(self._read)  # type: ignore[type-abstract]

    async def _read(self, profile: str, shown: Conversation, message: Message | None) -> None:
        if message is None or shown.kind != "contact" or not self.host.is_online(profile):
            return
        if not self._chat.is_silent(profile, shown.address):
            self._protocol.send(self.host.link(profile), message)
