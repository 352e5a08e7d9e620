# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations to rooms (XEP-0045 section 7.8, XEP-0249). Contract of the plugin ``roominvites``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, Literal

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.plugins.rooms.api import Room

Way = Literal["auto", "room", "direct"]


class Invitation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody invites the person to a room. It waits until it is accepted or declined; nobody is taken into a room
    unasked.

    ``mediated``: it came through the room, and who the ``inviter`` is, only the room says. ``stranger``: nothing
    rings for it, because the inviter is no contact, or only a room of a service that we do not know says so.
    ``thread``: of the conversation with the inviter that goes on there.
    """

    room: str
    inviter: str
    at: int
    reason: str = ""
    mediated: bool = False
    stranger: bool = False
    thread: str = ""


class Declined(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody whom we invited does not come."""

    room: str
    address: str
    at: int
    reason: str = ""


class RoomInvitesApi(Service):
    """Invitations to rooms."""

    service = "roominvites"

    @method()
    @abstractmethod
    async def list(self, *, profile: str) -> list[Invitation]:
        """Invitations that wait, the newest first. Of each room one."""

    @method(scope="send", write=True)
    @abstractmethod
    async def send(
        self, *, profile: str, room: str, address: str, reason: str = "", thread: str = "", way: Way = "auto"
    ) -> None:
        """Invite somebody to a room that we are in: through the ``room``, which may make them a member, or
        ``direct``, with the password if we know it. ``auto``: through rooms that only members may enter."""

    @method(scope="send", write=True)
    @abstractmethod
    async def accept(self, *, profile: str, room: str, nick: str = "", timeout: float = 30.0) -> Room:
        """Join the room. Where that fails, the invitation stays. ``not-found``."""

    @method(scope="send", write=True)
    @abstractmethod
    async def decline(self, *, profile: str, room: str, reason: str = "", tell: bool | None = None) -> None:
        """Drop an invitation. The inviter is told of it (``tell``; by default only contacts are) where it came
        through the room; others can not be told (XEP-0249). ``not-found``."""


CONTRACT: Final = Contract(
    plugin="roominvites",
    services=(RoomInvitesApi,),
    kinds=(
        Kind("invitation", Invitation, "address of the room", snapshot=True),
        Kind("declined", Declined, "room and address, a space between", passing=True),
    ),
)
