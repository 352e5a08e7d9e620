# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``replies``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History
from salut.plugins.replies.api import CONTRACT
from salut.plugins.replies.protocol import RepliesProtocol
from salut.plugins.replies.service import RepliesService
from salut.xmpp.router import Wires


class RepliesPlugin(Plugin):
    """Answering one message among many."""

    name = "replies"
    needs = ("chat", "history")
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        self._service = RepliesService(chat, host.need("history", History))  # type: ignore[type-abstract]
        RepliesProtocol(cast("Wires", host.wires), chat)

    def services(self) -> Sequence[Service]:
        return (self._service,)
