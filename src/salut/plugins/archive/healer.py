# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looks again at the end of an archive, for what came into it late.

A message that a server was about to hand to a session that had died may be archived after the next session asked
for the newest page, and never be delivered to that one (seen with ejabberd 23.01 under load). Without a second
look it would be missing for ever, since newer messages are known.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from salut.engine.plugin import Host, Link
from salut.plugins.archive import gaps as table
from salut.plugins.archive.keeper import Keeper
from salut.plugins.archive.query import ArchiveError, Ask, Result

if TYPE_CHECKING:
    from salut.plugins.archive.protocol import ArchiveProtocol

PAGE: Final = 100
PAGES: Final = 10
PAUSE: Final = 20.0  # seconds until a server has come to rest


class Healer:
    """One look after the catch-up, one more a while later, for each session."""

    def __init__(self, host: Host, keeper: Keeper) -> None:
        self._host = host
        self._keeper = keeper
        self._running: dict[str, asyncio.Task[object]] = {}

    def begin(self, link: Link, protocol: ArchiveProtocol) -> None:
        """The catch-up is done; does nothing where it was done before in this session."""
        if link.profile not in self._running and protocol.support(link).archive:
            work = self._run(link, protocol)
            self._running[link.profile] = self._host.owner.spawn(work, f"archive check {link.profile}")

    def end(self, profile: str) -> None:
        """The session is over."""
        task = self._running.pop(profile, None)
        if task is not None:
            task.cancel()

    async def _run(self, link: Link, protocol: ArchiveProtocol) -> None:
        for pause in (0.0, PAUSE):
            await asyncio.sleep(pause)
            try:
                items = await self._latest(link, protocol)
            except ArchiveError as error:
                self._host.log.info("archive not checked", profile=link.profile, problem=str(error))
                continue
            if items:
                await self._heal(link.profile, items)

    async def _heal(self, profile: str, items: list[Result]) -> None:
        found = await self._host.journal.commit(
            profile, lambda tx: self._keeper.heal(tx, "", items), patient=True
        )
        if found:
            self._host.log.info("messages came late into the archive", profile=profile, count=found)

    async def _latest(self, link: Link, protocol: ArchiveProtocol) -> list[Result]:
        """The archive's end, back to what was checked before (a bounded number of pages)."""
        since = await self._host.readers.read(lambda read: table.checked(read, link.pid, ""))
        items: list[Result] = []
        for _page in range(PAGES if since else 1):
            page = await protocol.page(link, Ask(limit=PAGE, before=items[0].id if items else ""))
            items = page.items + items
            if page.complete or not page.items or any(item.id == since for item in page.items):
                break
        return items
