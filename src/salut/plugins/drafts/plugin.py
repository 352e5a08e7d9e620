# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``drafts``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from salut.api.contract import Service
from salut.api.ports import Read
from salut.api.wire import Item
from salut.engine.plugin import Host, Plugin
from salut.plugins.drafts.api import CONTRACT, Draft
from salut.plugins.drafts.service import SELECT, SHOWN_TEXT, DraftsService, dump, of_row
from salut.plugins.portability.api import Portability


class DraftsPlugin(Plugin):
    """Unfinished messages that follow the person from window to window."""

    name = "drafts"
    prefers = ("portability",)
    contract = CONTRACT
    schema = "drafts_1"
    tables = ("draft",)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = DraftsService(host)
        portability = host.prefer("portability", Portability)  # type: ignore[type-abstract]  # a Protocol
        if portability is not None:
            portability.carry("draft", Draft, dump, self._service.load)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        room = SHOWN_TEXT
        for row in read.all(SELECT, (pid,)):
            draft = of_row(row)
            room -= len(draft.text)
            if room < 0:
                return
            yield Item("draft", draft.conversation, cast("int", row[4]), draft)
