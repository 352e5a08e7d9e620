# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``account``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.account.api import CONTRACT
from salut.plugins.account.protocol import AccountProtocol
from salut.plugins.account.service import AccountService
from salut.xmpp.router import Wires


class AccountPlugin(Plugin):
    """Accounts are made, get other passwords, and end."""

    name = "account"
    contract = CONTRACT
    schema = "account_1"
    tables = ("account_pending",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = AccountService(host, AccountProtocol(cast("Wires", host.wires)))

    def services(self) -> Sequence[Service]:
        return (self._service,)

    async def stop(self) -> None:
        self._service.close()

    async def opening(self, profile: str) -> None:
        await self._service.logged_in(profile)

    def refused(self, profile: str, code: str) -> None:
        if code == "not-authorized":
            self.host.owner.spawn(self._service.login_refused(profile), f"password of {profile}")
