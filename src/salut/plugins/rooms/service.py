# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms decide: what windows ask, what other plugins ask, and what rooms say."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from typing import Final

from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid, not_found
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History, NewMessage
from salut.plugins.rooms import reading
from salut.plugins.rooms.api import Member, Room, RoomInfo, RoomsApi
from salut.plugins.rooms.events import Trouble
from salut.plugins.rooms.hearing import MAX_TOPIC, Hearing
from salut.plugins.rooms.keeper import MAX_ROOMS, YIELDS, Keeper
from salut.plugins.rooms.kept import Kept, NotInsideError, refuse
from salut.plugins.rooms.port import RoomsPort

LEAVE_SECONDS: Final = 5.0
RENAME_SECONDS: Final = 20.0
TOPIC_SECONDS: Final = 20.0
INFO_SECONDS: Final = 20.0
MAX_TIMEOUT: Final = 600.0
MAX_PAGE: Final = 1000


class RoomsService(RoomsPort, RoomsApi):
    """The contract's methods; the ports ``Rooms`` and, for chat, ``Occupancy``."""

    def __init__(self, host: Host, history: History, chat: Chat) -> None:
        super().__init__(Keeper(host, history, chat))
        self._host = host
        self._chat = chat
        self.hearing = Hearing(host, history, chat, self.keeper)

    # Windows
    async def list(self, *, profile: str) -> list[Room]:
        self._host.pid(profile)
        return [kept.stay.shown for kept in self.keeper.of(profile)]

    async def join(
        self,
        *,
        profile: str,
        room: str,
        nick: str = "",
        password: str = "",
        other_nick: bool = False,
        timeout: float = 30.0,
    ) -> Room:
        link = self._host.link(profile)
        address = addresses.parse(room)
        if not address.local:
            raise invalid("room", _("A room's address looks like name@server."))
        kept = self.keeper.find(profile, address.bare)
        own = addresses.parse(link.address).local
        before = (kept.stay.shown.wanted or kept.stay.shown.nick) if kept else ""
        nick = nick or address.resource or before or own
        nick = self._nick(address.bare, nick)
        if kept is None:
            if len(self.keeper.of(profile)) >= MAX_ROOMS:
                raise SalutError("too-large", _("A profile has at most {} rooms.").format(MAX_ROOMS))
            kept = self.keeper.add(profile, Room(address=address.bare, nick=nick, autojoin=False))
            kept.fresh = True
        timeout = min(max(timeout, 1.0), MAX_TIMEOUT)
        try:
            async with asyncio.timeout(timeout):
                await kept.lock.acquire()
        except TimeoutError:
            raise SalutError("busy", _("Another attempt to enter {} runs.").format(address.bare)) from None
        try:
            if kept.stay.shown.state == "joined":
                if password:
                    await self.keeper.keep(kept, password)
                if nick != kept.stay.shown.nick:
                    await self._rename(kept, nick, timeout)
            else:
                await self.keeper.enter(kept, nick, password, timeout, YIELDS if other_nick else 0)
        finally:
            kept.lock.release()
        return kept.stay.shown

    def _nick(self, room: str, nick: str) -> str:
        try:
            return addresses.parse(f"{room}/{nick}").resource
        except SalutError:
            raise invalid("nick", _("“{}” cannot be a name in a room.").format(nick[:80])) from None

    async def _rename(self, kept: Kept, nick: str, timeout: float) -> None:
        """Another nick (section 7.6)."""
        kept.renamed = asyncio.get_running_loop().create_future()
        kept.stay.wanted = nick
        status = self.keeper.status.get(kept.profile, "")
        self.keeper.protocol.tell(self._host.link(kept.profile), f"{kept.address}/{nick}", status)
        try:
            async with asyncio.timeout(timeout):
                await kept.renamed
        except TimeoutError:
            words = _("{} did not answer within {:g} seconds.").format(kept.address, timeout)
            raise Trouble("timeout", words).error(kept.address) from None
        except NotInsideError as error:
            raise error.trouble.error(kept.address) from None
        finally:
            kept.renamed = None
            kept.stay.wanted = ""
        await self.keeper.show(kept)

    async def follow(self, *, profile: str, room: str, timeout: float = 30.0) -> Room:
        left = self._find(profile, room).stay.shown
        if not left.moved:
            raise not_found(_("{} does not say that it moved.").format(left.address))
        return await self.join(
            profile=profile, room=left.moved, nick=left.wanted or left.nick, timeout=timeout
        )

    async def info(self, *, profile: str, room: str) -> RoomInfo:
        link = self._host.link(profile)
        address = addresses.parse(room)
        if not address.local:
            raise invalid("room", _("A room's address looks like name@server."))
        return await self.keeper.protocol.info(link, address.bare, INFO_SECONDS)

    async def enter_new(
        self, profile: str, room: str, nick: str, open_it: Callable[[], Awaitable[object]], timeout: float
    ) -> Room:
        """See ``Rooms``."""
        address = addresses.bare(room)
        exists = SalutError(
            "exists", _("There is a room {0} already. Join it: jp room join {0}").format(address)
        )
        if await self._is_there(profile, address):
            raise exists
        known = self.keeper.find(profile, address)
        kept = known or self.keeper.add(profile, Room(address=address, nick=nick, autojoin=False))
        kept.fresh = known is None
        kept.opener = open_it
        try:
            joined = await self.join(profile=profile, room=address, nick=nick, timeout=timeout)
        except SalutError:
            if known is None and self.keeper.find(profile, address) is kept:
                await self.keeper.drop(kept)
            raise
        finally:
            kept.opener = None
        if not kept.created:
            await self.leave(profile=profile, room=address)
            if known is None:
                await self.keeper.drop(kept)
            raise exists
        return joined

    async def _is_there(self, profile: str, room: str) -> bool:
        """A room that hides itself from strangers counts as absent here; entering tells."""
        try:
            await self.info(profile=profile, room=room)
        except SalutError as error:
            if error.code in ("refused", "timeout"):
                return False
            raise
        return True

    async def leave(self, *, profile: str, room: str) -> Room:
        kept = self._find(profile, room)
        refuse(kept.entered, NotInsideError(Trouble("cancelled", _("The room was left."))))
        async with kept.lock:
            if self.keeper.find(profile, kept.address) is None:  # never was in it; the attempt is over
                return kept.stay.shown
            kept.stay.show(autojoin=False)
            if kept.stay.shown.state == "joined":
                await self._exit(kept)
            kept.stay.leave()
            kept.out(Trouble("cancelled", _("The room was left.")))
            self.keeper.withdraw(kept)
            await self.keeper.show(kept)
        await self.keeper.give_up(kept, _("You left the room."))
        return kept.stay.shown

    async def _exit(self, kept: Kept) -> None:
        """Tell the room; what it answers matters little, so it is not waited for long."""
        if not self._host.is_online(kept.profile):
            return
        kept.leaving = asyncio.get_running_loop().create_future()
        with contextlib.suppress(TimeoutError, SalutError):
            self.keeper.protocol.exit(self._host.link(kept.profile), f"{kept.address}/{kept.stay.shown.nick}")
            async with asyncio.timeout(LEAVE_SECONDS):
                await kept.leaving
        kept.leaving = None

    async def members(
        self, *, profile: str, room: str, after: str | None = None, limit: int = 200
    ) -> Page[Member]:
        kept = self._find(profile, room)
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        limit = min(limit, MAX_PAGE)
        members = kept.stay.members
        nicks = sorted(members)
        start = bisect_right(nicks, after) if after is not None else 0
        items = [members[nick] for nick in nicks[start : start + limit]]
        more = start + limit < len(nicks)
        return Page(items=items, after=items[-1].nick if more else None)

    async def topic(self, *, profile: str, room: str, text: str) -> Room:
        kept = self._find(profile, room)
        if len(text) > MAX_TOPIC:
            raise SalutError(
                "too-large",
                _("A topic has at most {} characters.").format(MAX_TOPIC),
                {"field": "text", "limit": MAX_TOPIC},
            )
        self.check(profile, kept.address)
        key = secrets.token_hex(8)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        kept.topics[key] = (text, future)
        try:
            self.keeper.protocol.topic(self._host.link(profile), kept.address, key, text)
            async with asyncio.timeout(TOPIC_SECONDS):
                await future
        except TimeoutError:
            words = _("{} did not answer within {:g} seconds.").format(kept.address, TOPIC_SECONDS)
            raise Trouble("timeout", words).error(kept.address) from None
        except NotInsideError as error:
            raise error.trouble.error(kept.address) from None
        finally:
            kept.topics.pop(key, None)
        await self.keeper.show(kept)
        return kept.stay.shown

    def _find(self, profile: str, room: str) -> Kept:
        self._host.pid(profile)
        bare = addresses.bare(room)
        kept = self.keeper.find(profile, bare)
        if kept is None:
            raise not_found(_("You are not in the room {}. Join it: jp room join {}").format(bare, bare))
        return kept

    # Other plugins
    def message(self, profile: str, inbound: object, at: int) -> NewMessage | None:
        """See ``Rooms``."""
        told = self.keeper.protocol.read(inbound)
        kept = self.keeper.find(profile, told.room)
        if (
            kept is None
            or told.type != "groupchat"
            or not (told.body or (told.subject is None and self._chat.holds(inbound)))
        ):
            return None
        new = reading.new_message(kept.stay, told, at=at, replayed=True)
        return self._chat.filled(profile, new, inbound, True)

    async def join_kept(self, profile: str, room: str, nick: str, password: str = "") -> None:
        """See ``Rooms``."""
        kept = self.keeper.find(profile, room)
        nick = self._nick(room, nick)
        if kept is None:
            if len(self.keeper.of(profile)) >= MAX_ROOMS:
                raise SalutError("too-large", _("A profile has at most {} rooms.").format(MAX_ROOMS))
            kept = self.keeper.add(profile, Room(address=room, nick=nick))
        async with kept.lock:
            kept.fresh = False  # kept, even if we never get in
            kept.stay.show(autojoin=True)
            if not kept.stay.inside:
                kept.stay.show(nick=nick)
            await self.keeper.keep(kept, password)
            if kept.stay.shown.state == "joined" and kept.stay.shown.nick != nick:
                with contextlib.suppress(SalutError):  # the name is taken: we stay under the old one
                    await self._rename(kept, nick, RENAME_SECONDS)
        if not kept.stay.inside and kept.retry is None:
            self.keeper.rejoin(kept)

    async def leave_kept(self, profile: str, room: str) -> None:
        """See ``Rooms``."""
        kept = self.keeper.find(profile, room)
        if kept is not None and (kept.stay.inside or kept.stay.shown.autojoin):
            await self.leave(profile=profile, room=room)
