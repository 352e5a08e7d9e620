# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names decide: gathers whom the profiles know, from the plugins that are there."""

from __future__ import annotations

from typing import Final

from salut.api.ports import Read
from salut.engine.plugin import Host
from salut.model.errors import invalid, not_found
from salut.model.words import _
from salut.plugins.history.api import History
from salut.plugins.names import matching
from salut.plugins.names.api import Named, NamesApi
from salut.plugins.names.matching import Known
from salut.plugins.rooms.api import Rooms
from salut.plugins.roster.api import Roster

MAX_TEXT: Final = 3_100  # the longest address that there is (RFC 7622)
MAX_LIMIT: Final = 200


class NamesService(NamesApi):
    """The contract's methods."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._roster = host.prefer("roster", Roster)  # type: ignore[type-abstract]  # the port's Protocol
        self._rooms = host.prefer("rooms", Rooms)  # type: ignore[type-abstract]  # as above
        self._history = host.prefer("history", History)  # type: ignore[type-abstract]  # as above

    async def resolve(self, *, text: str, profile: str | None = None) -> Named:
        if not text.strip() or len(text) > MAX_TEXT:
            raise invalid("text", _("Say whom you mean: an address, or the name of a contact or room."))
        profiles = self._profiles(profile)
        return matching.resolve(await self._known(profiles), profiles, text.strip())

    async def complete(self, *, text: str, profile: str | None = None, limit: int = 50) -> list[str]:
        if limit < 1 or len(text) > MAX_TEXT:
            raise invalid("limit" if limit < 1 else "text", _("Nothing can be completed with that."))
        known = await self._known(self._profiles(profile))
        return matching.complete(known, text, min(limit, MAX_LIMIT))

    def _profiles(self, profile: str | None) -> list[str]:
        """Those that the question is about; the calling window may know of them all."""
        visible = self._host.visible()
        if profile is None:
            return visible
        if profile not in visible:
            raise not_found(_("There is no profile {}. See them: jp profile list").format(profile[:80]))
        return [profile]

    async def _known(self, profiles: list[str]) -> list[Known]:
        pids = [(profile, self._host.pid(profile)) for profile in profiles]
        stored = await self._host.readers.read(lambda read: self._stored(read, pids))
        if self._rooms is not None:
            for profile in profiles:
                stored += [
                    Known(profile, address, "room", name) for address, name in self._rooms.names(profile)
                ]
        return matching.merged(stored)

    def _stored(self, read: Read, pids: list[tuple[str, int]]) -> list[Known]:
        found: list[Known] = []
        for profile, pid in pids:
            if self._roster is not None:
                names = self._roster.names(read, pid)
                found += [Known(profile, address, "contact", name) for address, name in names]
            if self._history is not None:
                found += [Known(profile, *one) for one in self._history.known(read, pid)]
        return found
