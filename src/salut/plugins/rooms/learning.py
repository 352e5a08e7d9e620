# SPDX-License-Identifier: AGPL-3.0-or-later
"""What rooms say of themselves: name, description, picture, and what they vouch for."""

from __future__ import annotations

from typing import Final

from salut.engine.plugin import Host
from salut.model.errors import SalutError
from salut.plugins.history.api import History
from salut.plugins.rooms.api import RoomInfo
from salut.plugins.rooms.book import Book
from salut.plugins.rooms.kept import Kept

LEARN_SECONDS: Final = 20.0


class Learning(Book):
    """Rooms that are asked about themselves."""

    def __init__(self, host: Host, history: History) -> None:
        super().__init__(host)
        self.history = history

    async def _info(self, kept: Kept, seconds: float) -> RoomInfo | None:
        try:
            return await self.protocol.info(self.host.link(kept.profile), kept.address, seconds)
        except SalutError:
            return None  # it may be new, or hidden from those who are not in it

    def _learned(self, kept: Kept, info: RoomInfo) -> None:
        stay = kept.stay
        if info.name != stay.shown.name:
            kept.titled = False
        told = stay.shown.avatar if stay.pictured else ""
        stay.show(name=info.name, description=info.description, avatar=info.avatar or told)
        kept.private = info.membersonly and info.nonanonymous
        changed = stay.announced(info.occupant_ids, info.hats)
        if changed and stay.shown.state == "joined":
            self.publish(kept, changed)

    async def learn(self, kept: Kept) -> None:
        """Ask the room about itself."""
        if not self.host.is_online(kept.profile):
            return
        key = kept.stay.join_id
        info = await self._info(kept, LEARN_SECONDS)
        if info is not None and kept.stay.join_id == key:
            before = kept.stay.shown
            self._learned(kept, info)
            if kept.stay.shown != before:
                await self.show(kept)
        await self.title(kept)

    async def title(self, kept: Kept) -> None:
        """Name the conversation as the person calls the room, else as the room is named, if there is one."""
        name = self.called.get((kept.profile, kept.address)) or kept.stay.shown.name
        if name:
            await self.history.set_title(kept.profile, kept.address, name)
