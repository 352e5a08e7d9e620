# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``portability``."""

from __future__ import annotations

from collections.abc import Sequence

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.portability.api import CONTRACT
from salut.plugins.portability.service import PortabilityService


class PortabilityPlugin(Plugin):
    """Export of everything, and import of the same."""

    name = "portability"
    needs = ("history",)
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = PortabilityService(host)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service
