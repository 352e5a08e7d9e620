# SPDX-License-Identifier: AGPL-3.0-or-later
"""Gaps are filled: newest first, what a person looks for before what is long ago, behind the live traffic.

A gap that two pages do not close is long. Then the newest messages of each conversation come first (``newest``), and
the rest a few pages at a time, with pauses in which others have the server, the disk and the loop: other gaps
(rooms that were entered meanwhile), and windows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from salut.api.ports import Read, Tx
from salut.engine.context import CURRENT
from salut.engine.plugin import Host, Link
from salut.model import moment
from salut.model.words import _
from salut.plugins.archive import gaps as table
from salut.plugins.archive.api import GapState
from salut.plugins.archive.asking import LARGE_PAGE, PAGE, Way, question, words
from salut.plugins.archive.gaps import Row
from salut.plugins.archive.heads import HeadRow
from salut.plugins.archive.healer import Healer
from salut.plugins.archive.keeper import Keeper
from salut.plugins.archive.newest import Contacts, Newest
from salut.plugins.archive.query import ArchiveError, Results, Support
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History, NewMessage

if TYPE_CHECKING:
    from salut.plugins.archive.protocol import ArchiveProtocol

HOLD_SLACK: Final = 3600 * moment.SECOND  # between clocks; being wrong here only repeats a message
OFFLINE: Final = ("not-connected",)
SHORT: Final = 2  # pages: a gap that they close is short
SLICE: Final = 4  # pages of a long gap, before others have their turn
PAUSE: Final = 1.0  # of what a slice took
MOST_PAUSE: Final = 2.0  # seconds
T = TypeVar("T")


class Progress(msgspec.Struct):
    """How far a session is with a gap. ``conversations``: whose newest messages have been asked for."""

    way: Way = "ids"
    pages: int = 0
    conversations: set[str] | None = None


class Filler:
    """Fills the gaps of all profiles, one at a time in each."""

    def __init__(self, host: Host, history: History, chat: Chat) -> None:
        self._host = host
        self._history = history
        self._chat = chat
        self.keeper = Keeper(history)
        self.newest = Newest(host, history, self.keep_head)
        self.healer = Healer(host, self.keeper)
        self.inside: set[tuple[str, str]] = set()  # profiles and rooms: archives that may be read
        self.asked: dict[str, set[int]] = {}  # manual gaps that somebody wants filled
        self.oldest: dict[str, int] = {}  # where pending messages are held: when the oldest was written
        self.late: dict[str, dict[str, NewMessage]] = {}  # while gaps are open: what the archive places
        self.contacts: Contacts = lambda _read, _pid: []
        self.protocol: ArchiveProtocol
        self._wanted: set[str] = set()
        self._running: dict[str, asyncio.Task[object]] = {}
        self._progress: dict[str, dict[int, Progress]] = {}
        self._looked: dict[str, asyncio.Event] = {}  # set when each gap was looked at

    def run(self, profile: str) -> asyncio.Task[object]:
        """Fill what is open, in the background. A run that is at work begins anew when it is through."""
        self._wanted.add(profile)
        task = self._running.get(profile)
        if task is None or task.done():
            task = self._running[profile] = self._host.owner.spawn(self._run(profile), f"archive {profile}")
        return task

    async def look(self, profile: str) -> None:
        """Fill what is open; done when no gap is left that was not looked at: short ones are closed then, and of
        long ones the newest is there."""
        self._looked.setdefault(profile, asyncio.Event()).clear()
        looked = self._host.owner.spawn(self._looked[profile].wait(), f"archive of {profile} looked at")
        await asyncio.wait([looked, self.run(profile)], return_when=asyncio.FIRST_COMPLETED)
        looked.cancel()

    async def stop(self, profile: str) -> None:
        """A fresh session: nothing asked on the last one is answered any more."""
        self.healer.end(profile)
        self._progress.pop(profile, None)
        task = self._running.pop(profile, None)
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    def forget(self, profile: str) -> None:
        """The session is lost for good, and with it what was asked on it."""
        self.healer.end(profile)
        self.inside = {mark for mark in self.inside if mark[0] != profile}
        self._progress.pop(profile, None)
        self.asked.pop(profile, None)
        self.late.pop(profile, None)  # it is archived, and the gap is still there
        self._looked.pop(profile, asyncio.Event()).set()
        self._release(profile)

    async def rows(self, profile: str) -> list[Row]:
        """All gaps, newest first."""
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
        """Each gap once, and long ones again and again until they are closed. What a lost link leaves open goes
        on with the resumption or the next session."""
        tried: set[int] = set()
        while self._host.is_online(profile):
            link = self._host.link(profile)
            rows = await self.rows(profile)
            waiting = any(not row.stream and not row.manual and row.state != "failed" for row in rows)
            if not waiting:
                self._release(profile)
                await self._settle_late(profile)
            progress = self._progress.setdefault(profile, {})
            able = [row for row in rows if row.id not in tried and self._may(profile, row)]
            new = [row for row in able if row.id not in progress]
            if not new and (looked := self._looked.get(profile)) is not None:
                looked.set()
            if not able:
                if not waiting:
                    self.healer.begin(link, self.protocol)
                return
            asked = [row for row in able if row.id in self.asked.get(profile, ())]
            row = (new or asked or able)[0]
            begin = time.monotonic()
            if not await self._fill(link, row, progress.setdefault(row.id, Progress())):
                tried.add(row.id)
            elif not new and not asked:
                await asyncio.sleep(min((time.monotonic() - begin) * PAUSE, MOST_PAUSE))

    def _may(self, profile: str, row: Row) -> bool:
        if row.manual and row.id not in self.asked.get(profile, ()):
            return False
        return not row.stream or (profile, row.stream) in self.inside

    async def _settle_late(self, profile: str) -> None:
        """The account's gaps are closed, or cannot be: what was taken over and did not come is stored now."""
        late = [*self.late.pop(profile, {}).values()]
        if late:
            await self._host.journal.commit(profile, lambda tx: self._history.store(tx, late), patient=True)

    def _release(self, profile: str) -> None:
        self.oldest.pop(profile, None)
        self._chat.release(profile)

    async def _fill(self, link: Link, row: Row, progress: Progress) -> bool:
        """Some of a gap; true if there is more to fetch of it now."""
        support = await self.support(link, row)
        if not support.archive:
            await self._without(link.profile, row, support)
            return False
        await self._state(link.profile, row.id, "filling")
        if not progress.pages:
            progress.way = "ids" if support.ids and row.after_id else "since"
        try:
            return await self._slice(link, row, progress, support)
        except ArchiveError as error:
            offline = error.condition in OFFLINE
            await self._state(
                link.profile, row.id, "open" if offline else "failed", "" if offline else words(error)
            )
            return False

    async def support(self, link: Link, row: Row) -> Support:
        """What the archive of a gap can do."""
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

    async def _slice(self, link: Link, row: Row, progress: Progress, support: Support) -> bool:
        """A few pages; true if there are more."""
        most = progress.pages + (SLICE if progress.pages >= SHORT else SHORT)
        while progress.pages < most:
            page = await self._page(link, row, progress)
            if page is None:
                continue
            kept = await self.keep(link.profile, row.id, page)
            progress.pages += 1
            if kept is None:
                return False
            if kept.before_id == row.before_id:
                raise ArchiveError(
                    "undefined-condition", _("the archive sends the same page again and again")
                )
            row = kept
            await self._maybe_release(link.profile, page)
            await self._heads(link, row, page, progress, support)
            if not self._may(link.profile, row) and not self.late.get(link.profile):
                return False  # as much as is fetched unasked
        return True

    async def _page(self, link: Link, row: Row, progress: Progress) -> Results | None:
        """The next page; ``None``: it has to be asked for in another way."""
        limit = LARGE_PAGE if progress.pages >= SHORT else PAGE
        way = progress.way
        try:
            page = await self.protocol.page(link, question(row, way, limit))
        except ArchiveError as error:
            if error.condition != "item-not-found" or way == "until":
                raise
            # the archive has forgotten an id of ours: the one before the gap, else the one after it
            progress.way = "since" if way == "ids" else "until"
            return None
        if way == "since" and row.after_id and row.since and (page.complete or not page.items):
            progress.way = "all"  # our clock may be wrong: only the id says that the beginning is reached
            if not page.items:
                return None
            page.complete = False
        elif way == "until":
            progress.way = "all"
        return page

    async def _heads(self, link: Link, row: Row, page: Results, progress: Progress, support: Support) -> None:
        """The newest of the conversations that a long gap, or one that is not fetched unasked, may hold."""
        if row.stream or row.id in self.asked.get(link.profile, ()):
            return  # a room's archive is one conversation; what is asked for comes whole
        if progress.pages < SHORT and not row.manual:
            return
        seen = [
            item.message.conversation
            for item in page.items
            if item.message is not None and item.message.conversation_kind == "contact"
        ]
        if progress.conversations is None:
            progress.conversations = set()
            seen += await self.newest.known(link, self.contacts)
        fresh = [name for name in dict.fromkeys(seen) if name not in progress.conversations]
        progress.conversations.update(fresh)
        await self.newest.fetch(link, self.protocol, row, fresh, ids=support.ids)

    async def keep(self, profile: str, key: int, page: Results) -> Row | None:
        """Store a page of a gap."""
        return await self._taking(profile, page, lambda tx, fresh: self.keeper.keep(tx, key, page, fresh))

    async def keep_head(
        self, profile: str, row: Row, conversation: str, page: Results
    ) -> tuple[HeadRow | None, list[int]]:
        """Store a page of one conversation inside a gap."""
        return await self._taking(
            profile, page, lambda tx, fresh: self.keeper.keep_head(tx, row.id, conversation, page, fresh)
        )

    async def _taking(self, profile: str, page: Results, work: Callable[[Tx, set[str]], T]) -> T:
        """What came late and is in this page has its place now."""
        late = self.late.get(profile, {})
        fresh = {item.id for item in page.items} & late.keys()
        kept = await self._host.journal.commit(profile, lambda tx: work(tx, fresh), patient=True)
        for archive in fresh:
            late.pop(archive, None)
        return kept

    async def _maybe_release(self, profile: str, page: Results) -> None:
        """Own messages need not wait for all pages: what was written after this page is not in older ones."""
        oldest = self.oldest.get(profile)
        if oldest is None:
            return
        past = bool(page.items) and 0 < page.items[0].at < oldest - HOLD_SLACK
        if past or not await self._chat.held(profile):
            self._release(profile)
