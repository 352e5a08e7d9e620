# SPDX-License-Identifier: AGPL-3.0-or-later
"""Displayed marks decide: ours are told a little later and once, those of other devices move ours forward."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from salut.engine.plugin import Host
from salut.model.errors import SalutError
from salut.model.outbox import Outbox
from salut.plugins.history.api import Conversation, History, Message
from salut.plugins.mds import marks
from salut.plugins.mds.marks import Marks
from salut.plugins.rooms.api import Rooms

if TYPE_CHECKING:
    from salut.plugins.mds.protocol import MdsProtocol

CALM: Final = 0.7  # seconds: who scrolls through a conversation marks it often
PAUSE: Final = 0.2  # between two conversations
PATIENCE: Final = 20.0  # after a connection: what the node names may just be on its way from the archive
CHUNK: Final = 200  # marks taken in at a time: others write in between
TRY_LATER: Final = ("not-connected", "timeout")


class MdsService:
    """Between history and our node."""

    def __init__(self, host: Host, history: History, rooms: Rooms | None) -> None:
        self._host = host
        self._rooms = rooms
        self._history = history
        self._marks = Marks(history)
        self._since: dict[str, float] = {}
        self._outbox = Outbox(host.owner, self._tell, "displayed marks", calm=CALM, pause=PAUSE)
        self.protocol: MdsProtocol
        host.journal.participants.append(self._marks.rolled_back)
        history.on_read(self.read)
        history.on_stored(self._marks.stored)

    async def load(self) -> None:
        """Take up what was not told."""
        for profile, pid in self._host.journal.journals.pids.items():
            for address in await self._host.readers.read(lambda read, pid=pid: marks.due(read, pid)):  # type: ignore[misc]
                self._outbox.keep(profile, address)

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        self._outbox.forget(profile)
        self._since.pop(profile, None)

    def emptied(self) -> None:
        """The same, on the writer's thread."""
        self._marks.rolled_back()

    # Windows
    async def read(self, profile: str, shown: Conversation, _message: Message | None) -> None:
        """A window moved a read mark."""
        address = shown.address
        if not self._outbox.waits(profile, address):
            self._outbox.keep(profile, address)
            await self._host.journal.commit(profile, lambda tx: self._marks.due(tx, address), patient=True)
        if self._host.is_online(profile) and self.protocol.supported(profile):
            self._outbox.go(profile)

    async def _tell(self, profile: str, address: str) -> bool:
        pid = self._host.pid(profile)
        archive = await self._history.displayed(profile, address)
        there, waiting = await self._host.readers.read(lambda read: marks.state(read, pid, address))
        left = self._since.get(profile, 0.0) + PATIENCE - asyncio.get_running_loop().time()
        if waiting and left > 0:
            self._host.owner.spawn(self._later(profile, address, left), f"displayed mark of {address}")
            return True
        if archive in ("", there):
            archive = ""
        else:
            room = self._rooms is not None and self._rooms.is_room(profile, address)
            try:
                await self.protocol.publish(profile, address, archive, room=room)
            except SalutError as error:
                if error.code in TRY_LATER:
                    return False
                self._host.log.warning("displayed mark not told", address=address, reason=error.message)
                archive = ""
        if not self._outbox.waits(profile, address):
            await self._host.journal.commit(
                profile, lambda tx: self._marks.told(tx, address, archive), patient=True
            )
        return True

    async def _later(self, profile: str, address: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._outbox.put(profile, address)

    # Other devices
    async def online(self, profile: str) -> None:
        """A fresh session: what was read elsewhere meanwhile, then what was read here (section 3.4)."""
        if not self.protocol.supported(profile):
            return
        self._since[profile] = asyncio.get_running_loop().time()
        try:
            found = await self.protocol.fetch(profile)
        except SalutError as error:
            self._host.log.info("displayed marks not fetched", profile=profile, reason=error.message)
            return
        pid = self._host.pid(profile)
        known = await self._host.readers.read(lambda read: marks.known(read, pid))
        news = [mark for mark in found if known.get(mark[0]) != mark[1]]
        for start in range(0, len(news), CHUNK):
            await self.heard(profile, news[start : start + CHUNK])
        self._outbox.go(profile)

    async def heard(self, profile: str, told: Sequence[tuple[str, str]]) -> None:
        """The node says how far conversations are read."""
        await self._host.journal.commit(profile, lambda tx: self._marks.heard(tx, told), patient=True)
