# SPDX-License-Identifier: AGPL-3.0-or-later
"""The archive decides: each session opens a gap, gaps are fetched newest first and behind the live traffic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from salut.api.ports import Read, Tx
from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid, not_found
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.archive import gaps as table
from salut.plugins.archive import heads
from salut.plugins.archive.api import ArchiveApi, Gap
from salut.plugins.archive.asking import PAGE, words
from salut.plugins.archive.filling import Filler
from salut.plugins.archive.gaps import Row
from salut.plugins.archive.heads import HeadRow
from salut.plugins.archive.query import ArchiveError, Ask
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History, NewMessage

FILL_WAIT: Final = 60.0  # seconds that ``fill`` waits for what it started
FILL_LOOK: Final = 0.2
MOST_LATE: Final = 10_000


class ArchiveService(ArchiveApi):
    """The contract's methods, and where a session begins and ends."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._history = host.need("history", History)  # type: ignore[type-abstract]  # the port's Protocol
        self._chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        self.filler = Filler(host, self._history, self._chat)
        self._chat.late(self.take)
        self.is_room: Callable[[str, str], bool] = lambda _profile, _address: False

    # Windows
    async def gaps(self, *, profile: str) -> list[Gap]:
        return [row.shown() for row in await self.filler.rows(profile)]

    async def fill(self, *, profile: str, gap: int | None = None) -> list[Gap]:
        self._host.link(profile)
        rows = await self.filler.rows(profile)
        wanted = {row.id for row in rows if gap is None or row.id == gap}
        if gap is not None and not wanted:
            raise not_found(_("There is no gap {}; it may be filled already.").format(gap))

        def reopen(tx: Tx) -> None:
            for row in rows:
                if row.id in wanted and row.state == "failed":
                    table.set_state(tx, row.id, "open")

        await self._host.journal.commit(profile, reopen)
        self.filler.asked.setdefault(profile, set()).update(wanted)
        await self._filled(profile, wanted)
        return await self.gaps(profile=profile)

    async def _filled(self, profile: str, wanted: set[int]) -> None:
        end = time.monotonic() + FILL_WAIT
        running = self.filler.run(profile)
        while not running.done() and time.monotonic() < end:
            await asyncio.wait([running], timeout=FILL_LOOK)
            rows = await self.filler.rows(profile)
            if not any(row.id in wanted and row.state != "failed" for row in rows):
                return

    async def older(self, *, profile: str, conversation: str, limit: int = 100) -> Page[int]:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        address = addresses.normal(conversation)
        link = self._host.link(profile)
        room = self.is_room(profile, address)
        hole = None if room else await self._hole(link, address)
        try:
            if hole is not None:
                return await self._out_of(link, hole, address, min(limit, PAGE))
            return await self._before(link, address, min(limit, PAGE), room=room)
        except ArchiveError as error:
            raise SalutError("refused", words(error), {"condition": error.condition}) from None

    async def _hole(self, link: Link, address: str) -> tuple[Row, HeadRow | None] | None:
        """The newest open gap that may hold messages of a conversation, with what is known of it there."""

        def read(store: Read) -> tuple[Row, HeadRow | None] | None:
            for row in table.load(store, link.pid, ""):
                head = heads.find(store, link.pid, row.id, address)
                if head is None or not head.whole:
                    return row, head
            return None

        return await self._host.readers.read(read)

    async def _out_of(
        self, link: Link, hole: tuple[Row, HeadRow | None], address: str, limit: int
    ) -> Page[int]:
        row, head = hole
        if not row.before_id:
            raise SalutError(
                "busy",
                _("What came since the last session is just being looked for; try again in a moment."),
            )
        filler = self.filler
        support = await filler.support(link, row)
        now, ids = await filler.newest.one(link, filler.protocol, row, head, address, limit, ids=support.ids)
        more = await self._hole(link, address)
        mark = None if more is None else now.before_id if now is not None else more[0].before_id
        return Page(items=ids, before=mark)

    async def _before(self, link: Link, address: str, limit: int, *, room: bool) -> Page[int]:
        """Older than all that history holds."""
        oldest = await self._host.journal.commit(link.profile, lambda tx: self._history.oldest(tx, address))
        ask = Ask(
            archive=address if room else "",
            limit=limit,
            before=oldest.archive if oldest else "",
            partner="" if room else address,
        )
        page = await self.filler.protocol.page(link, ask)
        ids = await self._host.journal.commit(
            link.profile, lambda tx: self.filler.keeper.older(tx, address, oldest, page), patient=True
        )
        return Page(items=ids, before=None if page.complete or not page.items else page.items[0].id)

    # The daemon
    async def settle(self) -> None:
        """At start: nothing is being filled, whatever the last daemon was doing when it ended."""

        def reopen(tx: Tx) -> None:
            for row in table.load(tx, tx.pid):
                if row.state == "filling":
                    table.set_state(tx, row.id, "open")

        filling = await self._host.readers.read(
            lambda read: read.all("SELECT DISTINCT pid FROM archive_gap WHERE state='filling'")
        )
        pids = {row[0] for row in filling}
        for name in [name for name, pid in self._host.journal.journals.pids.items() if pid in pids]:
            await self._host.journal.commit(name, reopen, patient=True)

    async def begin(self, profile: str) -> None:
        """A fresh session, before anything is said on it: what may be missing becomes a gap."""
        await self.filler.stop(profile)
        oldest = await self._chat.hold(profile)
        if oldest is not None:
            self.filler.oldest[profile] = oldest
        now = moment.now()
        await self._host.journal.commit(
            profile, lambda tx: self.filler.keeper.open(tx, "", now), patient=True
        )
        link = self._host.links.get(profile)
        if link is not None and self.filler.protocol.support(link).archive:
            self.filler.late[profile] = {}

    def take(self, profile: str, message: NewMessage) -> bool:
        """A message that was archived before this session lies in the gap. It would stand in the wrong place
        by its arrival: servers deliver such ones among new ones. When the gap is closed it is there."""
        late = self.filler.late.get(profile)
        if late is None or len(late) >= MOST_LATE:
            return False
        late[message.archive] = message
        return True

    async def joining(self, profile: str, room: str) -> None:
        """A room is about to be entered: what it said since we were there last becomes a gap."""
        now = moment.now()
        self.filler.inside.discard((profile, room))
        await self._host.journal.commit(
            profile, lambda tx: self.filler.keeper.open(tx, room, now), patient=True
        )

    async def joined(self, profile: str, room: str) -> None:
        """We are in: done when the end of the room's archive is read, or cannot be."""
        self.filler.inside.add((profile, room))
        await self.filler.look(profile)
