# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``stars``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import cast

from salut.api.contract import Service
from salut.api.ports import Read
from salut.api.wire import Item
from salut.engine.plugin import Host, Plugin
from salut.plugins.history.api import History
from salut.plugins.portability.api import Portability
from salut.plugins.stars.api import CONTRACT
from salut.plugins.stars.bringing import CarriedStar, bring, dump
from salut.plugins.stars.service import NEWEST, StarsService, of_row


class StarsPlugin(Plugin):
    """Stars on messages."""

    name = "stars"
    needs = ("history",)
    prefers = ("portability",)
    contract = CONTRACT
    schema = "stars_1"
    tables = ("star",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = StarsService(host)
        history = host.need("history", History)  # type: ignore[type-abstract]  # the port's Protocol
        portability = host.prefer("portability", Portability)  # type: ignore[type-abstract]  # as above

        async def load(profile: str, stars: Sequence[CarriedStar]) -> int:
            return await host.journal.commit(profile, lambda tx: bring(history, tx, stars))

        if portability is not None:
            portability.carry("star", CarriedStar, partial(dump, history), load)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        for row in read.all(NEWEST, (pid,)):
            star = of_row(row)
            yield Item("star", str(star.message), cast("int", row[4]), star)
