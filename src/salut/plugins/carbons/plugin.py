# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``carbons``."""

from __future__ import annotations

from typing import cast

from salut.engine.plugin import Host, Plugin
from salut.plugins.carbons.api import CONTRACT
from salut.plugins.carbons.protocol import CarbonsProtocol
from salut.xmpp.router import Wires


class CarbonsPlugin(Plugin):
    """What other devices of the account send and receive."""

    name = "carbons"
    needs = ("chat",)
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._protocol = CarbonsProtocol(cast("Wires", host.wires), host.log)

    async def online(self, profile: str, resumed: bool) -> None:
        if not resumed:
            await self._protocol.enable(self.host.link(profile))
