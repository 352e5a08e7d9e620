# SPDX-License-Identifier: AGPL-3.0-or-later
"""The archive decides: each session opens a gap, gaps are fetched newest first and behind the live traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from salut.api.ports import Read, Tx
from salut.engine.context import CURRENT
from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid, not_found
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.archive import gaps as table
from salut.plugins.archive.api import ArchiveApi, Gap, GapState
from salut.plugins.archive.asking import PAGE, Way, question, words
from salut.plugins.archive.gaps import Keeper, Row
from salut.plugins.archive.healer import Healer
from salut.plugins.archive.query import ArchiveError, Ask, Results, Support
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History, NewMessage

if TYPE_CHECKING:
    from salut.plugins.archive.protocol import ArchiveProtocol

HOLD_SLACK: Final = 3600 * moment.SECOND  # between clocks; being wrong here only repeats a message
FILL_WAIT: Final = 60.0  # seconds that ``fill`` waits for what it started
MOST_LATE: Final = 10_000
OFFLINE: Final = ("not-connected",)


class ArchiveService(ArchiveApi):
    """The contract's methods, and the catch-up of all profiles."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._history = host.need("history", History)  # type: ignore[type-abstract]  # the port's Protocol
        self._chat = host.need("chat", Chat)  # type: ignore[type-abstract]
        self._keeper = Keeper(self._history)
        self._inside: set[tuple[str, str]] = set()  # profiles and rooms: archives that may be read
        self._wanted: set[str] = set()
        self._healer = Healer(host, self._keeper)
        self._running: dict[str, asyncio.Task[object]] = {}
        self._asked: dict[str, set[int]] = {}  # manual gaps that somebody wants filled
        self._oldest: dict[str, int] = {}  # where pending messages are held: when the oldest was written
        self._late: dict[str, dict[str, NewMessage]] = {}  # while gaps are open: what the archive places
        self._chat.late(self.take)
        self.is_room: Callable[[str, str], bool] = lambda _profile, _address: False
        self.protocol: ArchiveProtocol

    # Windows
    async def gaps(self, *, profile: str) -> list[Gap]:
        return [row.shown() for row in await self._rows(profile)]

    async def fill(self, *, profile: str, gap: int | None = None) -> list[Gap]:
        self._host.link(profile)
        rows = await self._rows(profile)
        wanted = {row.id for row in rows if gap is None or row.id == gap}
        if gap is not None and not wanted:
            raise not_found(_("There is no gap {}; it may be filled already.").format(gap))

        def reopen(tx: Tx) -> None:
            for row in rows:
                if row.id in wanted and row.state == "failed":
                    table.set_state(tx, row.id, "open")

        await self._host.journal.commit(profile, reopen)
        self._asked.setdefault(profile, set()).update(wanted)
        await asyncio.wait([self.run(profile)], timeout=FILL_WAIT)
        return await self.gaps(profile=profile)

    async def older(self, *, profile: str, conversation: str, limit: int = 100) -> Page[int]:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        address = addresses.normal(conversation)
        link = self._host.link(profile)
        if any(not row.manual and not row.stream for row in await self._rows(profile)):
            raise SalutError(
                "busy",
                _("What came since the last session is still being fetched; try again when it is there."),
            )
        oldest = await self._host.journal.commit(profile, lambda tx: self._history.oldest(tx, address))
        room = address if self.is_room(profile, address) else ""
        ask = Ask(
            archive=room,
            limit=min(limit, PAGE),
            before=oldest.archive if oldest else "",
            partner="" if room else address,
        )
        try:
            page = await self.protocol.page(link, ask)
        except ArchiveError as error:
            raise SalutError("refused", words(error), {"condition": error.condition}) from None
        ids = await self._host.journal.commit(
            profile, lambda tx: self._keeper.older(tx, address, oldest, page), patient=True
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
        self._healer.end(profile)
        await self._stop(profile)
        oldest = await self._chat.hold(profile)
        if oldest is not None:
            self._oldest[profile] = oldest
        now = moment.now()
        await self._host.journal.commit(profile, lambda tx: self._keeper.open(tx, "", now), patient=True)
        link = self._host.links.get(profile)
        if link is not None and self.protocol.support(link).archive:
            self._late[profile] = {}

    def take(self, profile: str, message: NewMessage) -> bool:
        """A message that was archived before this session lies in the gap. It would stand in the wrong place
        by its arrival: servers deliver such ones among new ones. When the gap is closed it is there."""
        late = self._late.get(profile)
        if late is None or len(late) >= MOST_LATE:
            return False
        late[message.archive] = message
        return True

    async def joining(self, profile: str, room: str) -> None:
        """A room is about to be entered: what it said since we were there last becomes a gap."""
        now = moment.now()
        self._inside.discard((profile, room))
        await self._host.journal.commit(profile, lambda tx: self._keeper.open(tx, room, now), patient=True)

    async def joined(self, profile: str, room: str) -> None:
        """We are in: done when the room's archive is read, or cannot be."""
        self._inside.add((profile, room))
        await asyncio.wait([self.run(profile)])

    def run(self, profile: str) -> asyncio.Task[object]:
        """Fill what is open, in the background. A run that is at work begins anew when it is through."""
        self._wanted.add(profile)
        task = self._running.get(profile)
        if task is None or task.done():
            task = self._running[profile] = self._host.owner.spawn(self._run(profile), f"archive {profile}")
        return task

    async def _stop(self, profile: str) -> None:
        task = self._running.pop(profile, None)
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    def forget(self, profile: str) -> None:
        """The session is lost for good, and with it what was asked on it."""
        self._healer.end(profile)
        self._inside = {mark for mark in self._inside if mark[0] != profile}
        self._asked.pop(profile, None)
        self._late.pop(profile, None)  # it is archived, and the gap is still there
        self._release(profile)

    # Filling
    async def _rows(self, profile: str) -> list[Row]:
        pid = self._host.pid(profile)

        def read(store: Read) -> list[Row]:
            return table.load(store, pid)

        return await self._host.readers.read(read)

    async def _run(self, profile: str) -> None:
        CURRENT.set(None)  # whoever asked for this, what comes in is not a window's doing
        try:
            while profile in self._wanted:
                self._wanted.discard(profile)
                await self._round(profile)
        except Exception:
            self._release(profile)  # a fault of ours must not keep messages from leaving
            raise

    async def _round(self, profile: str) -> None:
        """Each gap once. What a lost link leaves open goes on with the resumption or the next session."""
        tried: set[int] = set()
        while self._host.is_online(profile):
            link = self._host.link(profile)
            asked = self._asked.get(profile, set())
            rows = await self._rows(profile)
            waiting = any(not row.stream and not row.manual and row.state != "failed" for row in rows)
            if not waiting:
                self._release(profile)
                await self._settle_late(profile)
            able = [
                row
                for row in rows
                if row.id not in tried
                and (not row.manual or row.id in asked)
                and (not row.stream or (profile, row.stream) in self._inside)
            ]
            if not able:
                if not waiting:
                    self._healer.begin(link, self.protocol)
                return
            tried.add(able[0].id)
            await self._fill(link, able[0])

    async def _settle_late(self, profile: str) -> None:
        """The account's gaps are closed, or cannot be: what was taken over and did not come is stored now."""
        late = [*self._late.pop(profile, {}).values()]
        if late:
            await self._host.journal.commit(profile, lambda tx: self._history.store(tx, late), patient=True)

    def _release(self, profile: str) -> None:
        self._oldest.pop(profile, None)
        self._chat.release(profile)

    async def _fill(self, link: Link, row: Row) -> None:
        support = await self._support(link, row)
        if not support.archive:
            await self._without(link.profile, row, support)
            return
        await self._state(link.profile, row.id, "filling")
        try:
            await self._pages(link, row, support)
        except ArchiveError as error:
            offline = error.condition in OFFLINE
            await self._state(
                link.profile, row.id, "open" if offline else "failed", "" if offline else words(error)
            )

    async def _support(self, link: Link, row: Row) -> Support:
        if row.stream:
            return await self.protocol.room_support(link, row.stream)
        return self.protocol.support(link)

    async def _without(self, profile: str, row: Row, support: Support) -> None:
        if support.known:  # no archive, so nothing that could be missing from it
            await self._host.journal.commit(profile, lambda tx: table.remove(tx, row.id), patient=True)
        else:
            await self._state(
                profile, row.id, "failed", _("The server did not say whether it has an archive.")
            )

    async def _state(self, profile: str, key: int, state: GapState, error: str = "") -> None:
        await self._host.journal.commit(
            profile, lambda tx: table.set_state(tx, key, state, error), patient=True
        )

    async def _pages(self, link: Link, row: Row, support: Support) -> None:
        way: Way = "ids" if support.ids and row.after_id else "since"
        kept: Row | None = row
        asked = self._asked.get(link.profile, set())
        while kept is not None:
            row = kept
            try:
                page = await self.protocol.page(link, question(row, way))
            except ArchiveError as error:
                if error.condition != "item-not-found" or way == "until":
                    raise
                # the archive has forgotten an id of ours: the one before the gap, else the one after it
                way = "since" if way == "ids" else "until"
                continue
            if way == "since" and row.after_id and row.since and (page.complete or not page.items):
                way = "all"  # our clock may be wrong: only the id says that the beginning is reached
                if not page.items:
                    continue
                page.complete = False
            elif way == "until":
                way = "all"
            kept = await self._keep(link.profile, row.id, page)
            if kept is not None and kept.before_id == row.before_id:
                raise ArchiveError(
                    "undefined-condition", _("the archive sends the same page again and again")
                )
            if kept is not None and kept.manual and row.id not in asked and not self._late.get(link.profile):
                return  # as much as is fetched unasked
            await self._maybe_release(link.profile, page)

    async def _keep(self, profile: str, key: int, page: Results) -> Row | None:
        late = self._late.get(profile, {})
        fresh = {item.id for item in page.items} & late.keys()
        kept = await self._host.journal.commit(
            profile, lambda tx: self._keeper.keep(tx, key, page, fresh), patient=True
        )
        for archive in fresh:
            late.pop(archive, None)
        return kept

    async def _maybe_release(self, profile: str, page: Results) -> None:
        """Own messages need not wait for all pages: what was written after this page is not in older ones."""
        oldest = self._oldest.get(profile)
        if oldest is None:
            return
        past = bool(page.items) and 0 < page.items[0].at < oldest - HOLD_SLACK
        if past or not await self._chat.held(profile):
            self._release(profile)
