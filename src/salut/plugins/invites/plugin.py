# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``invites``."""

from __future__ import annotations

from collections.abc import Sequence

from salut.api.contract import Service
from salut.engine.plugin import Host, Link, Plugin
from salut.plugins.invites.api import CONTRACT
from salut.plugins.invites.service import InvitesService
from salut.plugins.roster.api import Roster


class InvitesPlugin(Plugin):
    """Links that make contacts, and accounts."""

    name = "invites"
    needs = ("roster",)
    contract = CONTRACT
    schema = "invites_1"
    tables = ("invite", "invite_expected")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        roster = host.need("roster", Roster)  # type: ignore[type-abstract]  # the port's Protocol
        self._service = InvitesService(host, roster)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def wire(self, link: Link) -> None:
        self._service.protocol.wire(link)
