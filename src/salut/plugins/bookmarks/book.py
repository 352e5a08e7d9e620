# SPDX-License-Identifier: AGPL-3.0-or-later
"""The bookmarks of all profiles: in memory, stored, and told to the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from salut.api.ports import Tx
from salut.engine.plugin import Host
from salut.model.errors import SalutError
from salut.model.outbox import Outbox
from salut.plugins.bookmarks import store
from salut.plugins.bookmarks.marks import LEGACY, NATIVE, Entry, Mark

if TYPE_CHECKING:
    from salut.plugins.bookmarks.protocol import BookmarksProtocol

LIST: Final = ""  # the key under which the one list of XEP-0048 waits to be written
TRY_LATER: Final = ("not-connected", "timeout")
CALM: Final = 0.05  # seconds: what belongs together is told together
Doubt = Callable[[str, str], Awaitable[object]]


class Book:
    """What is known. Memory is changed at once, the store behind it in the same order."""

    def __init__(self, host: Host, ask: Doubt) -> None:
        """``ask(profile, room)`` asks the server for one bookmark."""
        self._host = host
        self._ask = ask
        self.protocol: BookmarksProtocol
        self._entries: dict[str, dict[str, Entry]] = {}
        self._doubts: set[tuple[str, str]] = set()
        self.outbox = Outbox(host.owner, self._tell, "bookmarks", calm=CALM)

    async def load(self) -> None:
        """Take up what is stored."""
        for profile, pid in self._host.journal.journals.pids.items():
            rows = await self._host.readers.read(lambda read, pid=pid: read.all(store.SELECT, (pid,)))  # type: ignore[misc]
            for row in rows:
                entry = store.entry(row, self._host.vault, profile)
                self.of(profile)[entry.mark.address] = entry
                self._wait(profile, entry)

    def _wait(self, profile: str, entry: Entry) -> None:
        if entry.due & NATIVE:
            self.outbox.keep(profile, entry.mark.address)
        if entry.due & LEGACY:
            self.outbox.keep(profile, LIST)

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        self._entries.pop(profile, None)
        self.outbox.forget(profile)

    def of(self, profile: str) -> dict[str, Entry]:
        """A profile's, by address; also what is removed and not told."""
        return self._entries.setdefault(profile, {})

    def find(self, profile: str, room: str) -> Mark | None:
        """A bookmark that there is."""
        entry = self.of(profile).get(room)
        return entry.mark if entry is not None and not entry.removed else None

    def change(self, profile: str, mark: Mark, *, removed: bool = False) -> None:
        """Something was changed here, and has to be stored and told."""
        old = self.of(profile).get(mark.address)
        there, version = (old.there, old.version) if old is not None else (0, 0)
        self.of(profile)[mark.address] = Entry(mark, there, NATIVE | LEGACY, removed, version + 1)

    async def settle(self, profile: str, rooms: Iterable[str]) -> None:
        """Store these as they are now, and tell what is due of them."""
        rooms = list(rooms)
        known = self.of(profile)
        entries = {room: known.get(room) for room in rooms}
        sealed = {room: self._sealed(profile, entry) for room, entry in entries.items()}

        def work(tx: Tx) -> None:
            for room, entry in entries.items():
                store.write(tx, room, entry, sealed[room])

        for entry in entries.values():
            if entry is not None:
                self._wait(profile, entry)
        if rooms:
            await self._host.journal.commit(profile, work, patient=True)
        if self._host.is_online(profile):
            self.outbox.go(profile)

    def _sealed(self, profile: str, entry: Entry | None) -> bytes:
        if entry is None or not entry.mark.password:
            return b""
        return self._host.vault.seal(store.label(profile, entry.mark.address), entry.mark.password)

    # Telling
    def doubt(self, profile: str, room: str) -> None:
        """Another device spoke of a bookmark; where ours is on its way, which of them came last has to be asked."""
        if self.outbox.busy(profile, room):
            self._doubts.add((profile, room))

    async def _tell(self, profile: str, key: str) -> bool:
        try:
            kept = self.protocol.kept(profile)
            if key == LIST:
                await self._tell_list(profile, kept)
            else:
                await self._tell_one(profile, key, kept)
        except SalutError as error:
            if error.code in TRY_LATER:
                return False
            raise
        return True

    async def _tell_one(self, profile: str, room: str, kept: int) -> None:
        entry = self.of(profile).get(room)
        if entry is None or not entry.due & NATIVE:
            return
        there = not entry.removed
        if kept & NATIVE:
            try:
                if entry.removed:
                    await self.protocol.retract(profile, room)
                else:
                    await self.protocol.publish(profile, entry.mark)
            except SalutError as error:
                self._passes(error, room)
                there = bool(entry.there & NATIVE)
        await self._done(profile, {room: entry}, NATIVE, there and bool(kept & NATIVE))
        if (profile, room) in self._doubts and not self.outbox.waits(profile, room):
            self._doubts.discard((profile, room))
            await self._ask(profile, room)

    def _passes(self, error: SalutError, room: str) -> None:
        """What may pass is tried again with the next connection, the rest with the next change."""
        if error.code in TRY_LATER:
            raise error
        self._host.log.warning("bookmark not told", room=room, reason=error.message)

    async def _tell_list(self, profile: str, kept: int) -> None:
        due = {room: entry for room, entry in self.of(profile).items() if entry.due & LEGACY}
        told = bool(kept & LEGACY)
        if told and due:
            try:
                await self.protocol.change_storage(
                    profile, {room: None if entry.removed else entry.mark for room, entry in due.items()}
                )
            except SalutError as error:
                self._passes(error, "")
                told = False
        for removed in (True, False):
            group = {room: entry for room, entry in due.items() if entry.removed == removed}
            await self._done(profile, group, LEGACY, told and not removed)

    async def _done(self, profile: str, told: dict[str, Entry], which: int, there: bool) -> None:
        """The server has these as they were when they were told."""
        known = self.of(profile)
        for room, entry in told.items():
            now = known.get(room)
            if now is None:
                continue
            has = now.there | which if there else now.there & ~which
            due = now.due & ~which if now.version == entry.version else now.due
            fresh = Entry(now.mark, has, due, now.removed, now.version)
            if fresh.removed and not fresh.due:
                known.pop(room)
            else:
                known[room] = fresh
        await self.settle(profile, told)
