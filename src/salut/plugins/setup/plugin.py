# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``setup``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.setup.api import CONTRACT
from salut.plugins.setup.protocol import Search
from salut.plugins.setup.service import SetupService
from salut.xmpp.router import Wires


class SetupPlugin(Plugin):
    """Finds servers and explains them."""

    name = "setup"
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = SetupService(partial(Search, cast("Wires", host.wires)))

    def services(self) -> Sequence[Service]:
        return (self._service,)
