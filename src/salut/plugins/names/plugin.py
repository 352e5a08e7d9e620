# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``names``."""

from __future__ import annotations

from collections.abc import Sequence

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.names.api import CONTRACT
from salut.plugins.names.service import NamesService


class NamesPlugin(Plugin):
    """Whom people mean by what they type."""

    name = "names"
    prefers = ("roster", "rooms", "history")
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = NamesService(host)

    def services(self) -> Sequence[Service]:
        return (self._service,)
