# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``history``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from salut.api.contract import Service
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.plugin import Host, Plugin
from salut.plugins.history.api import CONTRACT
from salut.plugins.history.service import HistoryService


class HistoryPlugin(Plugin):
    """Messages, conversations, unread counts, read marks, search."""

    name = "history"
    contract = CONTRACT
    schema = "history_3"
    tables = ("message", "conversation", "stream", "act")

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._service = HistoryService(host)

    def services(self) -> Sequence[Service]:
        return (self._service,)

    def port(self) -> object:
        return self._service

    async def start(self) -> None:
        self.host.owner.spawn(
            self._service.keep_sweeping(), "let go of messages that do not stay", standing=True
        )

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        for shown, rev in self._service.recent(read, pid, limit):
            yield Item("conversation", shown.address, rev, shown)

    def forget(self, tx: Tx, pid: int) -> None:
        tx.execute(
            "INSERT INTO message_text (message_text, rowid, body) SELECT 'delete', id, body FROM message "
            "WHERE pid=? AND NOT fleeting",
            (pid,),
        )
        self._service.forget()
