# SPDX-License-Identifier: AGPL-3.0-or-later
"""A long gap: the newest of each conversation first, several at a time (XEP-0313 section 4.1.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING, Final

from salut.api.ports import Read
from salut.engine.plugin import Host, Link
from salut.model.words import _
from salut.plugins.archive import gaps as table
from salut.plugins.archive import heads
from salut.plugins.archive.asking import alone, head_question
from salut.plugins.archive.gaps import Row
from salut.plugins.archive.heads import HeadRow
from salut.plugins.archive.query import ArchiveError, Results
from salut.plugins.history.api import History

if TYPE_CHECKING:
    from salut.plugins.archive.protocol import ArchiveProtocol

NEWEST: Final = 50  # messages of each conversation
AT_ONCE: Final = 8  # questions that are under way
NO_ANSWER: Final = ("not-connected", "remote-server-timeout")
MOST_KNOWN: Final = 300  # conversations asked for before any message of theirs was seen in the gap

Keep = Callable[[str, Row, str, Results], Awaitable[tuple[HeadRow | None, list[int]]]]
Contacts = Callable[[Read, int], list[str]]


class Newest:
    """Fetches heads. ``keep`` stores what came."""

    def __init__(self, host: Host, history: History, keep: Keep) -> None:
        self._host = host
        self._history = history
        self._keep = keep

    async def known(self, link: Link, contacts: Contacts) -> list[str]:
        """Conversations that may have something in a gap: the last active ones, then all others of the roster."""

        def read(store: Read) -> list[str]:
            active = [
                address for address, kind, _title in self._history.known(store, link.pid) if kind == "contact"
            ]
            return list(dict.fromkeys([*active, *contacts(store, link.pid)]))[:MOST_KNOWN]

        return await self._host.readers.read(read)

    async def fetch(
        self, link: Link, protocol: ArchiveProtocol, row: Row, conversations: Iterable[str], *, ids: bool
    ) -> None:
        """The head of each of these; those that have one are left alone. Raises ``ArchiveError`` where the
        connection is lost; what else an archive says against one conversation is no harm to the others."""
        if head_question(row, None, "", NEWEST, ids=ids, alone=await self._alone(link, row)) is None:
            return
        done = await self._heads(link, row)
        waiting = [name for name in conversations if name not in done][: max(heads.MOST_HEADS - len(done), 0)]
        waiting.reverse()

        lost: list[ArchiveError] = []

        async def work() -> None:
            while waiting and not lost:
                name = waiting.pop()
                try:
                    await self.one(link, protocol, row, None, name, NEWEST, ids=ids)
                except ArchiveError as error:
                    if error.condition in NO_ANSWER:
                        lost.append(error)
                    self._host.log.info("no newest messages", conversation=name, problem=str(error))

        await asyncio.gather(*(work() for _number in range(min(AT_ONCE, len(waiting)))))
        if lost:
            raise lost[0]

    async def one(
        self,
        link: Link,
        protocol: ArchiveProtocol,
        row: Row,
        head: HeadRow | None,
        conversation: str,
        limit: int,
        *,
        ids: bool,
    ) -> tuple[HeadRow | None, list[int]]:
        """One page of one conversation; its head (``None``: nothing is missing any more) and the new messages."""
        asked = head_question(row, head, conversation, limit, ids=ids, alone=await self._alone(link, row))
        if asked is None:
            raise ArchiveError(
                "feature-not-implemented", _("It comes with what is fetched in the background.")
            )
        page = await protocol.page(link, asked.ask)
        page.complete = page.complete and asked.exact
        return await self._keep(link.profile, row, conversation, page)

    async def _alone(self, link: Link, row: Row) -> bool:
        return await self._host.readers.read(lambda read: alone(row, table.load(read, link.pid, row.stream)))

    async def _heads(self, link: Link, row: Row) -> Collection[str]:
        found = await self._host.readers.read(lambda read: heads.load(read, link.pid, row.id))
        return {head.conversation for head in found}
