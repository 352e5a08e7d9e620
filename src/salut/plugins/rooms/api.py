# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms (XEP-0045). Contract of the plugin ``rooms``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, Literal

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.page import Page

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


CONTRACT: Final = Contract(
    plugin="rooms",
    services=(RoomsApi,),
    kinds=(
        Kind("room", Room, "address", snapshot=True),
        Kind("member", Member, "room and nick, a slash between", passing=True, topic=True),
    ),
)
