# SPDX-License-Identifier: AGPL-3.0-or-later
"""Markers decide: who learns what we have read, and what our other devices have read."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final

from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Conversation, History, Message
from salut.plugins.rooms.api import Rooms

if TYPE_CHECKING:
    from salut.plugins.markers.protocol import MarkersProtocol

SMALL: Final = (
    20  # members of a room who are told: in larger ones nobody looks, and each reader tells all others
)


class MarkersService:
    """People are told if they asked, and small private rooms; in others to have read stays our own affair."""

    def __init__(self, host: Host, history: History, chat: Chat, rooms: Rooms | None) -> None:
        self._host = host
        self._history = history
        self._chat = chat
        self._rooms = rooms
        self._told: dict[tuple[str, str], str] = {}
        self.protocol: MarkersProtocol
        history.on_read(self.read)

    async def read(self, profile: str, shown: Conversation, message: Message | None) -> None:
        """A window moved a read mark."""
        if not self._host.is_online(profile):
            return
        if shown.kind == "contact":
            if message is not None and not self._chat.is_silent(profile, shown.address):
                self.protocol.send(self._host.link(profile), message)
        elif shown.kind == "room" and self._small(profile, shown.address):
            archive = await self._history.displayed(profile, shown.address)
            mark = (profile, shown.address)
            if archive and self._told.get(mark) != archive and self._host.is_online(profile):
                self._told[mark] = archive
                self.protocol.send_room(self._host.link(profile), shown.address, archive)

    def _small(self, profile: str, room: str) -> bool:
        rooms = self._rooms
        found = rooms.find(profile, room) if rooms is not None else None
        if rooms is None or found is None or found.state != "joined":
            return False
        return found.members <= SMALL and rooms.private(profile, room)

    def seen_in_room(self, profile: str, room: str, nick: str, archive: str) -> Awaitable[object] | None:
        """An occupant has read up to there; if it is one of our devices, so have we."""
        found = self._rooms.find(profile, room) if self._rooms is not None else None
        if found is None or found.state != "joined" or found.nick != nick:
            return None
        self._told[profile, room] = archive
        return self._host.journal.commit(
            profile, lambda tx: self._history.read_up_to(tx, room, archive=archive), patient=True
        )

    def seen_elsewhere(self, profile: str, to: str, origin: str) -> Awaitable[object] | None:
        """Another device of ours told ``to`` that a message of theirs was read."""
        try:
            parsed = addresses.parse(to)
        except SalutError:
            return None
        private = self._rooms is not None and self._rooms.is_room(profile, parsed.bare)
        conversation = str(parsed) if private else parsed.bare
        return self._host.journal.commit(
            profile, lambda tx: self._history.read_up_to(tx, conversation, origin=origin), patient=True
        )
