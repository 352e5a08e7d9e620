# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``edits``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.chat.api import Chat
from salut.plugins.edits.api import CONTRACT
from salut.plugins.edits.protocol import EditsProtocol
from salut.plugins.edits.service import EditsService
from salut.plugins.history.api import History
from salut.xmpp.router import Wires


class EditsPlugin(Plugin):
    """Corrections, retractions, moderation."""

    name = "edits"
    needs = ("chat", "history")
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        self._service = EditsService(host, chat, host.need("history", History))  # type: ignore[type-abstract]
        self._service.protocol = EditsProtocol(cast("Wires", host.wires), chat)

    def services(self) -> Sequence[Service]:
        return (self._service,)
