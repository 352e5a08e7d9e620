# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations decide: which are kept, whose ring, and what answers do."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final

from salut.api.ports import Tx
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid, not_found
from salut.model.words import _
from salut.plugins.roominvites import store
from salut.plugins.roominvites.api import Declined, Invitation, RoomInvitesApi, Way
from salut.plugins.roominvites.events import Invited, Refused
from salut.plugins.roominvites.shelf import Shelf, Waiting
from salut.plugins.rooms.api import Room, Rooms
from salut.plugins.roster.api import Roster

if TYPE_CHECKING:
    from salut.plugins.roominvites.protocol import RoomInvitesProtocol

MAX_SENT: Final = 500  # of a profile, whose refusal would be believed
MAX_DECLINED: Final = 100
MAX_REASON: Final = 1000


class RoomInvitesService(RoomInvitesApi):
    """The contract's methods."""

    protocol: RoomInvitesProtocol

    def __init__(self, host: Host, rooms: Rooms, roster: Roster | None) -> None:
        self._host = host
        self._rooms = rooms
        self._roster = roster
        self._shelves: dict[str, Shelf] = {}
        self._sent: dict[str, OrderedDict[tuple[str, str], None]] = {}
        self._declined: dict[str, OrderedDict[str, None]] = {}
        rooms.on_joined(self._joined)

    async def load(self) -> None:
        """Take up what is stored."""
        for profile, pid in self._host.journal.journals.pids.items():
            stored = await self._host.readers.read(lambda read, pid=pid: store.load(read, pid))  # type: ignore[misc]
            if stored:
                self._shelves[profile] = Shelf(stored)

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        for table in (self._shelves, self._sent, self._declined):
            table.pop(profile, None)

    async def tidy(self, profile: str) -> None:
        """Old ones go."""
        gone = self._shelf(profile).expired(moment.now())
        if gone:
            await self._host.journal.commit(profile, lambda tx: store.remove(tx, gone))

    def _shelf(self, profile: str) -> Shelf:
        self._host.pid(profile)
        return self._shelves.setdefault(profile, Shelf())

    # What comes
    def invited(self, profile: str, sender: str, told: Invited, at: int) -> Awaitable[object] | None:
        """An invitation; what is returned ends when it is stored."""
        try:
            shown = self._read(profile, sender, told, at or moment.now())
        except SalutError:
            shown = None
        if shown is None:
            self._host.log.info("invitation refused", profile=profile, sender=sender[:200])
            return None
        joined = self._rooms.find(profile, shown.room)
        if joined is not None and joined.state in ("joined", "joining"):
            return None
        sealed = (
            self._host.vault.seal(self._label(profile, shown.room), told.password) if told.password else b""
        )
        waiting = Waiting(shown, sealed)
        if not self._shelf(profile).put(waiting):
            return None
        return self._host.journal.commit(profile, lambda tx: store.write(tx, waiting), patient=True)

    def _read(self, profile: str, sender: str, told: Invited, at: int) -> Invitation | None:
        """``None``, or ``invalid``: it cannot be what it says."""
        who = addresses.parse(sender)
        if told.mediated:
            if who.resource or not who.local or self._knows(profile, who.bare):
                return None  # a person who claims to be a room
            room, inviter = who, addresses.parse(told.inviter or sender)
        else:
            room, inviter = addresses.parse(told.room), who
        if not room.local or room.bare == self._own(profile):
            return None
        # An occupant, of whom the room shows no address: the nick is all that says who it is.
        private = inviter.bare == room.bare or self._rooms.is_room(profile, inviter.bare)
        return Invitation(
            room=room.bare,
            inviter=str(inviter) if private else inviter.bare,
            at=at,
            reason=told.reason[:MAX_REASON],
            mediated=told.mediated,
            stranger=self._stranger(profile, inviter, room, told.mediated),
            thread=told.thread,
        )

    def _own(self, profile: str) -> str:
        return addresses.bare(self._host.address(profile))

    def _knows(self, profile: str, bare: str) -> bool:
        return bare == self._own(profile) or (
            self._roster is not None and self._roster.is_contact(profile, bare)
        )

    def _stranger(
        self, profile: str, inviter: addresses.Address, room: addresses.Address, mediated: bool
    ) -> bool:
        """Whether nothing may ring. A direct invitation is from whom it says: servers see to that. Of a mediated one
        only the room says who the inviter is; that is believed of our own server's and of theirs, and where we
        are in rooms already."""
        if not self._knows(profile, inviter.bare):
            return True
        if not mediated:
            return False
        own = addresses.parse(self._own(profile)).domain
        near = any(room.domain == d or room.domain.endswith("." + d) for d in (own, inviter.domain))
        ours = {address.rpartition("@")[2] for address, _name in self._rooms.names(profile)}
        return not near and room.domain not in ours

    def refused(self, profile: str, sender: str, told: Refused) -> None:
        """Somebody does not come; believed only of a room through which we have invited exactly them."""
        try:
            room, who = addresses.parse(sender), addresses.parse(told.address)
        except SalutError:
            return
        sent = self._sent.get(profile, OrderedDict())
        if room.resource or (room.bare, who.bare) not in sent:
            self._host.log.info("refusal of an invitation not believed", profile=profile, sender=sender[:200])
            return
        del sent[room.bare, who.bare]
        key = f"{room.bare} {who.bare}"
        declined = self._declined.setdefault(profile, OrderedDict())
        declined[key] = None
        if len(declined) > MAX_DECLINED:
            self._host.journal.passing(profile, "declined", declined.popitem(last=False)[0], None)
        told_on = Declined(room=room.bare, address=who.bare, at=moment.now(), reason=told.reason)
        self._host.journal.passing(profile, "declined", key, told_on)

    # Windows
    async def list(self, *, profile: str) -> list[Invitation]:
        return self._shelf(profile).newest()

    async def send(
        self, *, profile: str, room: str, address: str, reason: str = "", thread: str = "", way: Way = "auto"
    ) -> None:
        link = self._host.link(profile)
        bare, who = addresses.bare(room), addresses.parse(address)
        shown = self._rooms.find(profile, bare)
        if shown is None or shown.state != "joined":
            raise not_found(_("You are not in the room {}. Join it: jp room join {}").format(bare, bare))
        if who.bare in (bare, self._own(profile)) or not who.local:
            raise invalid("address", _("“{}” is nobody who can be invited.").format(address[:80]))
        if len(reason) > MAX_REASON:
            words = _("A reason has at most {} characters.").format(MAX_REASON)
            raise SalutError("too-large", words, {"field": "reason", "limit": MAX_REASON})
        if way == "auto":
            info = await self._rooms.info(profile=profile, room=bare)
            way = "room" if info.membersonly else "direct"
        if way == "room":
            self._remember(profile, bare, who.bare)
            await self.protocol.mediated(link, bare, str(who), reason, thread)
        else:
            password = self._rooms.password(profile, bare)
            self.protocol.direct(link, bare, str(who), reason, thread, password)

    def _remember(self, profile: str, room: str, who: str) -> None:
        sent = self._sent.setdefault(profile, OrderedDict())
        sent[room, who] = None
        if len(sent) > MAX_SENT:
            sent.popitem(last=False)

    async def accept(self, *, profile: str, room: str, nick: str = "", timeout: float = 30.0) -> Room:
        waiting = self._find(profile, room)
        address = waiting.shown.room
        password = ""
        if waiting.sealed:
            password = self._host.vault.open(self._label(profile, address), waiting.sealed)
        joined = await self._rooms.join(
            profile=profile, room=address, nick=nick, password=password, timeout=timeout
        )
        await self._remove(profile, address)
        return joined

    async def decline(self, *, profile: str, room: str, reason: str = "", tell: bool | None = None) -> None:
        shown = self._find(profile, room).shown
        tell = not shown.stranger if tell is None else tell
        if tell and shown.mediated:
            link = self._host.link(profile)
            self.protocol.decline(link, shown.room, shown.inviter, reason[:MAX_REASON])
        await self._remove(profile, shown.room)

    def _find(self, profile: str, room: str) -> Waiting:
        address = addresses.bare(room)
        waiting = self._shelf(profile).waiting.get(address)
        if waiting is None:
            raise not_found(_("Nobody has invited you to {}.").format(address))
        return waiting

    async def _joined(self, profile: str, room: str) -> None:
        if room in self._shelf(profile).waiting:
            await self._remove(profile, room)

    async def _remove(self, profile: str, room: str) -> None:
        self._shelf(profile).waiting.pop(room, None)

        def work(tx: Tx) -> None:
            store.remove(tx, [room])

        await self._host.journal.commit(profile, work)

    def _label(self, profile: str, room: str) -> str:
        return f"{profile} invitation {room}"
