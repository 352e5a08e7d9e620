# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``pep``."""

from __future__ import annotations

from typing import cast

from salut.engine.plugin import Host, Plugin
from salut.plugins.pep.api import CONTRACT
from salut.plugins.pep.protocol import PepProtocol
from salut.plugins.pep.service import PepService
from salut.xmpp.router import Wires


class PepPlugin(Plugin):
    """Nodes of our own account, and what contacts publish."""

    name = "pep"
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = PepService(host)
        self._service.protocol = PepProtocol(cast("Wires", host.wires), self._service, host.log)

    def port(self) -> object:
        return self._service

    def unwire(self, profile: str) -> None:
        self._service.forget(profile)

    def offline(self, profile: str) -> None:
        self._service.forget(profile)
