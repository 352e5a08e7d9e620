# SPDX-License-Identifier: AGPL-3.0-or-later
"""Avatars decide: whose are remembered, and that bytes are believed only when they are what was announced."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final, TypeVar

from salut.api.ports import Read, Tx
from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid, not_found
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.avatars import store
from salut.plugins.avatars.api import Avatar, AvatarsApi, Picture
from salut.plugins.avatars.images import MAX_BYTES, look
from salut.plugins.avatars.store import Known
from salut.plugins.pep.api import Access, Event, Pep
from salut.plugins.presence.api import PresencePort
from salut.plugins.rooms.api import Rooms
from salut.plugins.roster.api import Roster

if TYPE_CHECKING:
    from salut.plugins.avatars.protocol import AvatarsProtocol

METADATA: Final = "urn:xmpp:avatar:metadata"
DATA: Final = "urn:xmpp:avatar:data"
MAX_PAGE: Final = 1_000
R = TypeVar("R")
Told = Callable[[str, object], Avatar | None]


def sha1(content: bytes) -> str:
    """The name of a picture. It needs no strength: it only says whether it is the one that was announced."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


class AvatarsService(AvatarsApi):
    """The contract's methods."""

    def __init__(self, host: Host, pep: Pep, read_metadata: Told) -> None:
        self._host = host
        self._pep = pep
        self._read = read_metadata
        self._roster = host.prefer("roster", Roster)  # type: ignore[type-abstract]  # the port's Protocol
        self._rooms = host.prefer("rooms", Rooms)  # type: ignore[type-abstract]  # as above
        self._presence = host.prefer("presence", PresencePort)  # type: ignore[type-abstract]  # as above
        self._ours: dict[str, str] = {}  # address -> hash, where we ourselves say it in presence (XEP-0153)
        self._heard: dict[str, dict[str, str]] = {}  # what presences said in this session
        self._waiting: dict[str, dict[str, str]] = {}  # of that, what is not stored yet
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self.protocol: AvatarsProtocol
        pep.follow(METADATA, self._event)

    # Windows
    async def list(self, *, profile: str, after: str | None = None, limit: int = 200) -> Page[Avatar]:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        pid, size = self._host.pid(profile), min(limit, MAX_PAGE)
        found = await self._host.readers.read(lambda read: store.page(read, pid, after or "", size + 1))
        items = found[:size]
        return Page(items=items, after=items[-1].address if len(found) > size else None)

    async def get(self, *, profile: str, address: str = "") -> Picture:
        whom = addresses.normal(address) if address else self._own(profile)
        kept = await self._kept(profile, whom)
        if kept is not None:
            return kept
        lock = self._locks.setdefault((profile, whom), asyncio.Lock())
        try:
            async with lock:  # many windows ask at once: the server is asked once
                return await self._kept(profile, whom) or await self._fetch(profile, whom)
        finally:
            if not lock.locked():
                self._locks.pop((profile, whom), None)

    async def set(self, *, profile: str, data: bytes, public: bool = True) -> Avatar:
        kind = look(data)
        if len(data) > MAX_BYTES:
            raise SalutError(
                "too-large",
                _("A picture has at most {} bytes.").format(MAX_BYTES),
                {"field": "data", "limit": MAX_BYTES},
            )
        if kind is None:
            raise invalid(
                "data", _("This is no picture that can be shown: give a PNG, JPEG, GIF or WebP file.")
            )
        link, own = self._host.link(profile), self._own(profile)
        avatar = Avatar(
            address=own,
            hash=sha1(data),
            type=kind.type,
            size=len(data),
            width=kind.width,
            height=kind.height,
        )
        access: Access = "open" if public else "presence"
        await self._pep.publish(profile, DATA, self.protocol.data(data), item=avatar.hash, access=access)
        await self._pep.publish(
            profile, METADATA, self.protocol.metadata(avatar), item=avatar.hash, access=access
        )
        await self._host.journal.commit(profile, lambda tx: _own_picture(tx, avatar, data))
        await self._for_old_clients(link, own, avatar, data)
        return avatar

    async def clear(self, *, profile: str) -> None:
        link, own = self._host.link(profile), self._own(profile)
        await self._pep.publish(profile, METADATA, self.protocol.metadata(None), item="", access="open")
        await self._host.journal.commit(profile, lambda tx: store.drop(tx, own))
        await self._for_old_clients(link, own, None, b"")

    # Steps of theirs
    def _own(self, profile: str) -> str:
        return addresses.bare(self._host.address(profile))

    async def _kept(self, profile: str, whom: str) -> Picture | None:
        pid = self._host.pid(profile)

        def read(rows: Read) -> tuple[Known, bytes] | None:
            known = store.get(rows, pid, whom)
            content = store.data(rows, pid, known.avatar.hash) if known is not None else None
            return (known, content) if known is not None and content is not None else None

        found = await self._host.readers.read(read)
        if found is None:
            return None
        known, content = found
        kind = look(content)
        return Picture(hash=known.avatar.hash, type=kind.type if kind else known.avatar.type, data=content)

    async def _fetch(self, profile: str, whom: str) -> Picture:
        """From the data node what the metadata node announces, else from the vCard."""
        link, pid = self._host.link(profile), self._host.pid(profile)
        known = await self._host.readers.read(lambda read: store.get(read, pid, whom))
        announced = known.avatar if known is not None and known.source == "pep" else None
        if known is None and not addresses.parse(whom).resource:
            announced = await self._announced(profile, whom)
        content = await self._node_data(profile, whom, announced.hash) if announced is not None else None
        if content is None:
            content = await self._vcard_photo(link, whom)
        if content is not None and announced is not None and sha1(content) != announced.hash:
            raise SalutError(
                "refused", _("The picture of {} is not the one that was announced.").format(whom)
            )
        if content is None:
            raise not_found(_("{} shows no picture.").format(whom))
        return await self._keep(profile, whom, content, "pep" if announced is not None else "vcard")

    async def _announced(self, profile: str, whom: str) -> Avatar | None:
        """What somebody announces of whom we have heard nothing; ``None`` where we may not know."""
        items = await _allowed(self._pep.items(profile, METADATA, of=self._of(profile, whom), most=1))
        return self._read(whom, items[-1].payload) if items else None

    async def _node_data(self, profile: str, whom: str, key: str) -> bytes | None:
        items = await _allowed(self._pep.items(profile, DATA, of=self._of(profile, whom), ids=[key]))
        return self.protocol.read_data(items or [])

    def _of(self, profile: str, whom: str) -> str:
        return "" if whom == self._own(profile) else whom

    async def _vcard_photo(self, link: Link, whom: str) -> bytes | None:
        address = "" if whom == addresses.bare(link.address) else whom
        return await _allowed(self.protocol.photo(link, address))

    async def _keep(self, profile: str, whom: str, content: bytes, source: store.Source) -> Picture:
        kind = look(content)
        if kind is None:
            raise SalutError("refused", _("What {} shows is no picture that is known here.").format(whom))
        avatar = Avatar(
            address=whom,
            hash=sha1(content),
            type=kind.type,
            size=len(content),
            width=kind.width,
            height=kind.height,
        )
        remember = self._is_known(profile, whom)

        def work(tx: Tx) -> None:
            if remember:
                store.put(tx, Known(avatar, source))
                store.keep(tx, avatar.hash, content)

        await self._host.journal.commit(profile, work)
        return Picture(hash=avatar.hash, type=avatar.type, data=content)

    def _is_known(self, profile: str, whom: str) -> bool:
        """Whether it is worth remembering: ourselves, a contact, a room. Strangers could be without number."""
        if whom == self._own(profile):
            return True
        if self._rooms is not None and self._rooms.is_room(profile, whom):
            return True
        return self._roster is not None and self._roster.is_contact(profile, whom)

    # Old clients (XEP-0153), where the server does not care for them (XEP-0398)
    async def _for_old_clients(self, link: Link, own: str, avatar: Avatar | None, data: bytes) -> None:
        if self.protocol.converts(link):
            return
        try:
            await self.protocol.set_photo(link, avatar.type if avatar is not None else "", data)
        except (SalutError, ValueError) as error:
            self._host.log.warning(
                "the vCard has not got the picture", profile=link.profile, problem=str(error)
            )
            return
        self._ours[own] = avatar.hash if avatar is not None else ""
        if self._presence is not None:
            self._presence.again(link.profile)

    def ours(self, own: str) -> str | None:
        """What our presence says of our picture: its hash, empty for none, ``None`` for not a word."""
        return self._ours.get(own)

    async def opening(self, profile: str) -> None:
        """A fresh session stands: know what its presence shall say. XEP-0153 section 4.2: not without a look at
        what our vCard shows now."""
        own, pid, link = self._own(profile), self._host.pid(profile), self._host.link(profile)
        self._ours.pop(own, None)
        if self.protocol.converts(link):
            return
        known = await self._host.readers.read(lambda read: store.get(read, pid, own))
        if known is None:
            return
        try:
            photo = await self.protocol.photo(link, "")
        except SalutError as error:
            self._host.log.warning("our vCard was not read", profile=profile, problem=error.message)
            return
        self._ours[own] = sha1(photo) if photo is not None else ""

    # The server
    async def _event(self, profile: str, event: Event) -> None:
        """Somebody changed their picture. The event is from whose it is: the road in has seen to that."""
        whom = event.sender
        if not self._is_known(profile, whom):
            return
        avatar = self._read(whom, event.items[-1].payload) if event.items else None

        def work(tx: Tx) -> None:
            if avatar is not None:
                store.put(tx, Known(avatar, "pep"))
            else:
                store.drop(tx, whom)

        await self._host.journal.commit(profile, work, patient=True)

    def announced(self, profile: str, bare: str, resource: str, key: str) -> None:
        """A presence names a picture. In a room only the room's own (XEP-0486) is one to remember."""
        is_room = self._rooms is not None and self._rooms.is_room(profile, bare)
        if not self._is_known(profile, bare) or is_room == bool(resource) or bare == self._own(profile):
            return

        heard = self._heard.setdefault(profile, {})
        if heard.get(bare) == key:
            return  # each change of status says it again
        heard[bare] = key
        waiting = self._waiting.setdefault(profile, {})
        waiting[bare] = key
        if len(waiting) == 1:
            self._host.owner.spawn(self._note(profile), f"avatars of {profile}'s contacts")

    async def _note(self, profile: str) -> None:
        """Store what presences said, all at once: at the beginning of a session there are thousands."""
        said = self._waiting.pop(profile, {})

        def work(tx: Tx) -> None:
            for whom, key in said.items():
                if key:
                    store.put(tx, Known(Avatar(address=whom, hash=key), "vcard"))
                else:
                    store.drop(tx, whom, "vcard")

        await self._host.journal.commit(profile, work, patient=True)

    def forget(self, profile: str) -> None:
        """The session is over: the next one's presences say it all again."""
        self._heard.pop(profile, None)


def _own_picture(tx: Tx, avatar: Avatar, data: bytes) -> None:
    store.drop(tx, avatar.address, "vcard")
    store.put(tx, Known(avatar, "pep"))
    store.keep(tx, avatar.hash, data)


async def _allowed(wait: Coroutine[object, object, R]) -> R | None:
    """``None`` where the other side does not let us know."""
    try:
        return await wait
    except SalutError as error:
        if error.code != "refused":
            raise
        return None
