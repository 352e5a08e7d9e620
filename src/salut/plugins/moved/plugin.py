# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``moved``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from salut.api.contract import Service
from salut.api.ports import Read
from salut.api.wire import Item
from salut.engine.plugin import Host, Link, Plugin
from salut.plugins.moved.api import CONTRACT
from salut.plugins.moved.service import MovedService, load
from salut.plugins.pep.api import Pep
from salut.plugins.roster.api import Roster


class MovedPlugin(Plugin):
    """Contacts who move, and our own moving."""

    name = "moved"
    needs = ("roster", "pep")
    contract = CONTRACT
    schema = "moved_1"
    tables = ("move",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        roster = host.need("roster", Roster)  # type: ignore[type-abstract]  # the port's Protocol
        self._service = MovedService(host, roster, host.need("pep", Pep))  # type: ignore[type-abstract]  # as above

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def wire(self, link: Link) -> None:
        self._service.protocol.wire(link)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        for move, rev in load(read, pid):
            yield Item("move", move.address, rev, move)
