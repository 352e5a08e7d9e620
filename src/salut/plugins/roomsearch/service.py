# SPDX-License-Identifier: AGPL-3.0-or-later
"""Finding rooms decides: whom to ask, and what fits where nobody can search."""

from __future__ import annotations

from time import monotonic
from typing import Final

from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.roomsearch.api import FoundRoom, RoomSearchApi, RoomSearchSettings, RoomService
from salut.plugins.roomsearch.protocol import Answer, RoomSearchProtocol

MAX_LIST: Final = 1000
MAX_SEARCH: Final = 200
MAX_TEXT: Final = 200
MAX_AFTER: Final = 2000
WAIT: Final = 30.0  # seconds that a service is left alone after it has asked for that
MOST_PAGES: Final = 10  # of a list that is looked through
PAGE: Final = 1000


class RoomSearchService(RoomSearchApi):
    """The contract's methods."""

    def __init__(self, host: Host, protocol: RoomSearchProtocol) -> None:
        self._host = host
        self._protocol = protocol
        self._services: dict[str, list[RoomService]] = {}
        self._not_before: dict[str, float] = {}

    def forget(self, profile: str) -> None:
        """The session is over; the next may be with another server."""
        self._services.pop(profile, None)

    async def services(self, *, profile: str) -> list[RoomService]:
        link = self._host.link(profile)
        if profile not in self._services:
            self._services[profile] = await self._protocol.services(link)
        return self._services[profile]

    async def _first(self, profile: str, kind: str) -> str:
        return next((s.address for s in await self.services(profile=profile) if s.kind == kind), "")

    async def list(
        self, *, profile: str, service: str = "", after: str | None = None, limit: int = 200
    ) -> Page[FoundRoom]:
        link = self._host.link(profile)
        limit = self._bounds(limit, MAX_LIST, after)
        asked = addresses.normal(service) if service else await self._first(profile, "rooms")
        if not asked:
            raise SalutError(
                "unavailable",
                _("Your server names no service for rooms; name one: jp room search --service ADDRESS"),
            )
        if after is None or after.startswith("more "):
            found = await self._protocol.rooms(link, asked, after[5:] if after else None, limit)
            if len(found.rooms) <= limit:
                return Page(items=found.rooms, after=f"more {found.after}" if found.after else None)
        else:
            found = await self._protocol.rooms(link, asked, None, limit)
        return _cut(found.rooms, after, limit)

    async def search(
        self, *, profile: str, text: str, service: str = "", after: str | None = None, limit: int = 50
    ) -> Page[FoundRoom]:
        link = self._host.link(profile)
        limit = self._bounds(limit, MAX_SEARCH, after)
        text = text.strip()
        if not text or len(text) > MAX_TEXT:
            raise invalid("text", _("Say what to look for, in at most {} characters.").format(MAX_TEXT))
        settings: RoomSearchSettings = self._host.settings.get("roomsearch", RoomSearchSettings)
        asked = service or settings.service or await self._first(profile, "search")
        if not asked:
            return _cut(await self._fitting(link, profile, text), after, limit)
        found = await self._ask(link, addresses.normal(asked), text, after, limit)
        return Page(items=found.rooms[:limit], after=found.after)

    async def _ask(self, link: Link, service: str, text: str, after: str | None, limit: int) -> Answer:
        left = self._not_before.get(service, 0.0) - monotonic()
        if left > 0:
            raise _wait(service, left)
        self._not_before.pop(service, None)
        try:
            return await self._protocol.search(link, service, text, after, limit)
        except SalutError as error:
            if error.data.get("condition") != "resource-constraint":
                raise
            if len(self._not_before) > MAX_LIST:
                self._not_before.clear()
            self._not_before[service] = monotonic() + WAIT
            raise _wait(service, WAIT) from None

    async def _fitting(self, link: Link, profile: str, text: str) -> list[FoundRoom]:  # type: ignore[valid-type]
        """Rooms of our own server in whose name or address all words stand."""
        words = text.casefold().split()
        service = await self._first(profile, "rooms")
        if not service:
            raise SalutError(
                "unavailable", _("Your server names neither a search service nor one for rooms.")
            )
        fitting: dict[str, FoundRoom] = {}
        after: str | None = None
        for _number in range(MOST_PAGES):
            answer = await self._protocol.rooms(link, service, after, PAGE)
            for room in answer.rooms:
                if all(word in f"{room.name} {room.address}".casefold() for word in words):
                    fitting[room.address] = room
            if answer.after is None or answer.after == after:
                break
            after = answer.after
        return [fitting[address] for address in sorted(fitting)]

    def _bounds(self, limit: int, most: int, after: str | None) -> int:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        if after is not None and len(after) > MAX_AFTER:
            raise invalid("after", _("This is no mark of a page."))
        return min(limit, most)


def _cut(rooms: list[FoundRoom], after: str | None, limit: int) -> Page[FoundRoom]:
    """A page of rooms by address."""
    rest = sorted(rooms, key=lambda room: room.address)
    if after is not None:
        rest = [room for room in rest if room.address > after]
    return Page(items=rest[:limit], after=rest[limit - 1].address if len(rest) > limit else None)


def _wait(service: str, seconds: float) -> SalutError:
    words = _("{} asks to wait; try again in {:g} seconds.").format(service, round(seconds) or 1)
    return SalutError("busy", words, {"service": service, "seconds": seconds})
