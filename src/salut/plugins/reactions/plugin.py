# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``reactions``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History
from salut.plugins.reactions.api import CONTRACT
from salut.plugins.reactions.protocol import ReactionsProtocol
from salut.plugins.reactions.service import ReactionsService
from salut.xmpp.router import Wires


class ReactionsPlugin(Plugin):
    """Emoji under messages."""

    name = "reactions"
    needs = ("chat", "history")
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        self._service = ReactionsService(chat, host.need("history", History))  # type: ignore[type-abstract]
        ReactionsProtocol(cast("Wires", host.wires), chat)

    def services(self) -> Sequence[Service]:
        return (self._service,)
