# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``vcards``."""

from __future__ import annotations

from collections.abc import Sequence

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.pep.api import Pep
from salut.plugins.vcards.api import CONTRACT
from salut.plugins.vcards.protocol import VCardsProtocol
from salut.plugins.vcards.service import VCardsService


class VCardsPlugin(Plugin):
    """What people say of themselves."""

    name = "vcards"
    needs = ("pep",)
    prefers = ("roster",)
    contract = CONTRACT
    schema = "vcards_1"
    tables = ("nickname",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        pep = host.need("pep", Pep)  # type: ignore[type-abstract]  # the port's Protocol
        self._service = VCardsService(host, pep, VCardsProtocol())

    def services(self) -> Sequence[Service]:
        return (self._service,)
