# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``mentions``."""

from __future__ import annotations

from typing import cast

from salut.engine.plugin import Host, Plugin
from salut.plugins.chat.api import Chat
from salut.plugins.mentions.api import CONTRACT
from salut.plugins.mentions.protocol import MentionsProtocol
from salut.plugins.mentions.service import Mentions
from salut.xmpp.router import Wires


class MentionsPlugin(Plugin):
    """Who is named in a message."""

    name = "mentions"
    needs = ("chat",)
    prefers = ("rooms",)
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        mentions = Mentions(host, chat)
        chat.composing(mentions.compose)
        MentionsProtocol(cast("Wires", host.wires), chat, mentions.own)
