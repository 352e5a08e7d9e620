# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms (XEP-0045). Contract of the plugin ``rooms``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.page import Page
from salut.plugins.history.api import NewMessage

RoomState = Literal["left", "joining", "joined", "failed"]
Role = Literal["none", "visitor", "participant", "moderator"]
Affiliation = Literal["none", "outcast", "member", "admin", "owner"]


class Room(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room that the person has joined or keeps (``autojoin``)."""

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


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An occupant of a room. ``address`` is empty in rooms that hide it."""

    room: str
    nick: str
    address: str = ""
    role: Role = "participant"
    affiliation: Affiliation = "none"
    show: str = "online"
    status: str = ""
    me: bool = False


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
        self, *, profile: str, room: str, nick: str = "", password: str = "", timeout: float = 30.0
    ) -> Room:
        """Join a room, and join it again after each connect until it is left. Creates it where it is new."""

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


Hook = Callable[[str, str], Awaitable[object]]
ChangedHook = Callable[[str, Room], object]


class Rooms(Protocol):
    """What other plugins use of rooms, in the daemon."""

    def is_room(self, profile: str, bare: str) -> bool:
        """Whether this bare address is a room that the profile has joined, keeps or was in."""

    def names(self, profile: str) -> list[tuple[str, str]]:
        """Address and name of each room; the name may be empty."""

    def find(self, profile: str, room: str) -> Room | None:
        """A room as it is shown now; ``None``: it is none of the profile's."""

    def private(self, profile: str, room: str) -> bool:
        """Whether only members may enter and each knows who the others are (a private group chat). False until the
        room, once we are in, has said so."""

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

    def password(self, profile: str, room: str) -> str:
        """What opened the room when it was entered last; may be empty."""

    def call_it(self, profile: str, room: str, name: str) -> None:
        """The person's own name for a room (empty: none), which goes before the room's own."""

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


CONTRACT: Final = Contract(
    plugin="rooms",
    services=(RoomsApi,),
    kinds=(
        Kind("room", Room, "address", snapshot=True),
        Kind("member", Member, "room and nick, a slash between", passing=True, topic=True),
    ),
)
