# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms (XEP-0045). Contract of the plugin ``rooms``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.errors import SalutError
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.history.api import NewMessage

RoomState = Literal["left", "joining", "joined", "failed"]
Role = Literal["none", "visitor", "participant", "moderator"]
Affiliation = Literal["none", "outcast", "member", "admin", "owner"]


class Room(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room that the person has joined or keeps (``autojoin``).

    ``wanted``: the nick that the person asked for, where it was taken and the daemon took another.
    ``moved``: where the room says it went when it was destroyed; nobody is taken there unasked (``rooms.follow``).
    ``nonanonymous``: everybody sees everybody's address; ``logged``: what is said is put on record publicly.
    ``avatar``: SHA-1 of the room's picture, in hex (XEP-0486).
    """

    address: str
    nick: str
    state: RoomState = "left"
    topic: str = ""
    topic_by: str = ""
    name: str = ""
    members: int = 0
    autojoin: bool = True
    error: str = ""
    role: Role = "none"
    affiliation: Affiliation = "none"
    description: str = ""
    wanted: str = ""
    moved: str = ""
    nonanonymous: bool = False
    logged: bool = False
    avatar: str = ""


class Hat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an occupant is, in the room's own words (XEP-0317)."""

    uri: str
    title: str = ""


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An occupant of a room. ``address`` is empty in rooms that hide it.

    ``occupant``: who it is whatever the nick (XEP-0421). It and ``hats`` are empty in rooms that do not announce
    that they vouch for them.
    """

    room: str
    nick: str
    address: str = ""
    role: Role = "participant"
    affiliation: Affiliation = "none"
    show: str = "online"
    status: str = ""
    me: bool = False
    occupant: str = ""
    hats: list[Hat] = []


class RoomInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a room tells about itself, whether we are in it or not (XEP-0045 section 6.4, XEP-0128).

    ``occupants``: how many are in it, -1 where it does not say. ``contacts``: addresses of those in charge.
    ``occupant_ids``, ``hats``, ``self_ping``: it vouches for XEP-0421, XEP-0317; it answers XEP-0410 itself.
    """

    address: str
    name: str = ""
    description: str = ""
    language: str = ""
    subject: str = ""
    occupants: int = -1
    contacts: list[str] = []
    avatar: str = ""
    membersonly: bool = False
    moderated: bool = False
    nonanonymous: bool = False
    passwordprotected: bool = False
    persistent: bool = False
    hidden: bool = False
    occupant_ids: bool = False
    hats: bool = False
    self_ping: bool = False


class RoomsApi(Service):
    """Rooms."""

    service = "rooms"

    @method()
    @abstractmethod
    async def list(self, *, profile: str) -> list[Room]:
        """Rooms joined or kept."""

    @method(scope="send", write=True)
    @abstractmethod
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
        """Join a room, and join it again after each connect until it is left. Creates it where it is new.

        A nick that is taken: ``refused`` with the condition ``conflict`` and a ``suggestion``; with
        ``other_nick`` underscores are added until one is free (three at most). A room that is gone: ``refused``
        with ``gone`` and, where it says so, the ``alternative`` address. When the daemon comes back by itself it
        always takes another nick rather than to stay outside, and asks for the wanted one the next time.
        """

    @method(scope="send", write=True)
    @abstractmethod
    async def leave(self, *, profile: str, room: str) -> Room:
        """Leave a room and stay out."""

    @method()
    @abstractmethod
    async def members(
        self, *, profile: str, room: str, after: str | None = None, limit: int = 200
    ) -> Page[Member]:
        """Who is in the room now, by nick. ``limit`` at most 1,000."""

    @method(scope="send", write=True)
    @abstractmethod
    async def topic(self, *, profile: str, room: str, text: str) -> Room:
        """Set the room's topic (XEP-0045 section 8.1)."""

    @method(scope="send", write=True)
    @abstractmethod
    async def follow(self, *, profile: str, room: str, timeout: float = 30.0) -> Room:
        """Go where a destroyed room says that it moved (``moved``), under the same nick. ``not-found``."""

    @method()
    @abstractmethod
    async def info(self, *, profile: str, room: str) -> RoomInfo:
        """Ask a room about itself, be we in it or not. ``not-connected``, ``refused``, ``timeout``."""


Hook = Callable[[str, str], Awaitable[object]]
ChangedHook = Callable[[str, Room], object]


class Rooms(Protocol):
    """What other plugins use of rooms, in the daemon."""

    def is_room(self, profile: str, bare: str) -> bool:
        """Whether this bare address is a room that the profile has joined, keeps or was in."""

    def names(self, profile: str) -> list[tuple[str, str]]:
        """Address and name of each room; the name may be empty."""

    def find(self, profile: str, bare: str) -> Room | None:
        """The room as windows see it; ``None``: none of the profile's."""

    def on_changed(self, hook: ChangedHook) -> None:
        """``hook(profile, room)`` is called in the loop whenever a room was stored anew, which is often. It must be
        quick and not raise."""

    def join_kept(self, profile: str, room: str, nick: str, password: str = "") -> Awaitable[None]:
        """Keep a room that another device of the account has joined: it is entered now, where there is a link, and
        after each connect. In a room that we are in already, the nick is changed. Does not wait until we are in:
        what goes wrong the room shows. ``invalid``, ``too-large``."""

    def leave_kept(self, profile: str, room: str) -> Awaitable[None]:
        """Leave a room that another device has left, and stay out. No effect where we neither are nor wish to be
        in it."""

    def call_it(self, profile: str, room: str, name: str) -> None:
        """The person's own name for a room (empty: none), which goes before the room's own."""

    def members_of(self, profile: str, bare: str) -> Mapping[str, Member]:
        """Who is in it now, by nick. Empty where we are not in it. Not to be changed."""

    def private(self, profile: str, bare: str) -> bool:
        """Whether only members may enter and each knows who the others are (a private group chat). False until the
        room has said so."""

    def vouches(self, profile: str, bare: str) -> bool:
        """Whether the room announces occupant ids (XEP-0421): those that it does not are anybody's claim."""

    def password(self, profile: str, bare: str) -> str:
        """What opens the room, if we know it."""

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
        """See ``RoomsApi``."""

    async def enter_new(
        self, profile: str, room: str, nick: str, open_it: Callable[[], Awaitable[object]], timeout: float
    ) -> Room:
        """Make a room and be in it; ``open_it()`` configures it before anybody else may enter. ``exists``
        where there is such a room already (it is left again)."""

    async def info(self, *, profile: str, room: str) -> RoomInfo:
        """See ``RoomsApi``."""

    def on_joining(self, hook: Hook) -> None:
        """``hook(profile, room)`` is awaited (10 s at most) before a room is asked to let us in, and so before
        it replays its history: the time to note where the gap in its archive begins."""

    def on_joined(self, hook: Hook) -> None:
        """``hook(profile, room)`` is awaited (60 s at most) once we are in and the room has replayed its history;
        only then messages that wait leave for the room, so what the archive shows as arrived is not sent
        again."""

    def message(self, profile: str, inbound: object, at: int) -> NewMessage | None:
        """A ``salut.xmpp.decode.Inbound`` from a room's archive as history takes it, without its archive id and
        place; ``at`` is the archive's time. ``None``: nothing to keep (topics, errors, another sender)."""


def refusal(room: str, condition: str, text: str) -> SalutError:
    """What a room answered instead of a result, for a window; ``condition`` is RFC 6120's word or one of ours."""
    data = {"condition": condition, "room": room}
    if condition == "not-connected":
        return SalutError("not-connected", text or condition, data)
    if condition == "remote-server-timeout":
        return SalutError("timeout", _("{} did not answer in time. Try again.").format(room), data)
    words = {
        "forbidden": _("You may not do that in {}; ask one of its owners or administrators."),
        "not-allowed": _("{} does not allow that."),
        "item-not-found": _("{} was not found, or whom you mean is not in it."),
        "service-unavailable": _("{} does not offer that."),
        "feature-not-implemented": _("{} does not offer that."),
        "conflict": _("{} says that this conflicts with what is so already."),
        "not-acceptable": _("{} does not accept this."),
        "gone": _("{} was destroyed."),
    }.get(condition, "{}: " + condition)
    said = f" ({text[:500]})" if text else ""
    return SalutError("refused", words.format(room) + said, data)


CONTRACT: Final = Contract(
    plugin="rooms",
    services=(RoomsApi,),
    kinds=(
        Kind("room", Room, "address", snapshot=True),
        Kind("member", Member, "room and nick, a slash between", passing=True, topic=True),
    ),
)
