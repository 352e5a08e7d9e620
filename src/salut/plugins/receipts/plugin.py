# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``receipts``."""

from __future__ import annotations

from typing import cast

from salut.engine.plugin import Host, Plugin
from salut.plugins.chat.api import Chat
from salut.plugins.receipts.api import CONTRACT
from salut.plugins.receipts.protocol import ReceiptsProtocol
from salut.xmpp.router import Wires


class ReceiptsPlugin(Plugin):
    """Own messages become ``delivered``; receipts are given to those who ask."""

    name = "receipts"
    needs = ("chat",)
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        ReceiptsProtocol(cast("Wires", host.wires), host.need("chat", Chat))  # type: ignore[type-abstract]
