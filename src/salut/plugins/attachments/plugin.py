# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``attachments``."""

from __future__ import annotations

from typing import cast

from salut.engine.plugin import Host, Plugin
from salut.plugins.attachments.api import CONTRACT
from salut.plugins.attachments.protocol import AttachmentsProtocol
from salut.plugins.chat.api import Chat
from salut.xmpp.router import Wires


class AttachmentsPlugin(Plugin):
    """Files and links that come with messages."""

    name = "attachments"
    needs = ("chat",)
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        AttachmentsProtocol(cast("Wires", host.wires), host.need("chat", Chat))  # type: ignore[type-abstract]
