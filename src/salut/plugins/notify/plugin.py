# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``notify``."""

from __future__ import annotations

from collections.abc import Sequence

from salut.api.contract import Service
from salut.engine.plugin import Host, Plugin
from salut.plugins.history.api import History
from salut.plugins.notify.api import CONTRACT
from salut.plugins.notify.service import NotifyService
from salut.plugins.strangers.api import Strangers


class NotifyPlugin(Plugin):
    """What waits for the person's eyes, and which window says so."""

    name = "notify"
    needs = ("history",)
    prefers = ("preferences", "strangers")
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = NotifyService(host, host.need("history", History))  # type: ignore[type-abstract]
        strangers = host.prefer("strangers", Strangers)  # type: ignore[type-abstract]
        if strangers is not None:
            self._service.is_stranger = strangers.is_stranger

    def services(self) -> Sequence[Service]:
        return (self._service,)

    async def start(self) -> None:
        await self._service.begin()

    def unwire(self, profile: str) -> None:
        self._service.forget(profile)
