# SPDX-License-Identifier: AGPL-3.0-or-later
"""Presence and status (RFC 6121 section 4). Contract of the plugin ``presence``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method

Show = Literal["online", "chat", "away", "xa", "dnd", "offline"]


class Presence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a contact can be reached now: the best of their resources."""

    address: str
    show: Show
    status: str = ""
    resources: int = 1


class Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the person tells others; the same in every window, kept over restarts."""

    show: Show = "online"
    status: str = ""


class PresenceApi(Service):
    """Presence."""

    service = "presence"

    @method()
    @abstractmethod
    async def list(self, *, profile: str) -> list[Presence]:
        """Contacts that are reachable now."""

    @method()
    @abstractmethod
    async def status(self, *, profile: str) -> Status:
        """What the person tells others."""

    @method(scope="send", write=True)
    @abstractmethod
    async def set(self, *, profile: str, show: Show = "online", status: str = "") -> Status:
        """Tell others. ``offline`` here means invisible: connected without presence, so that the server
        delivers nothing live and keeps it in the archive. ``status`` has at most 1,000 characters."""


StatusHook = Callable[[str, Status], object]
IsRoom = Callable[[str, str], bool]


class PresencePort(Protocol):
    """What other plugins use of presence, in the daemon."""

    def on_status(self, hook: StatusHook) -> None:
        """``hook(profile, status)`` is called in the loop when the server was told a status: on each fresh
        session and after each change. Directed presence (rooms) follows it."""

    def rooms(self, is_room: IsRoom) -> None:
        """``is_room(profile, bare)``: presence from there is not a contact's."""

    def told(self, profile: str) -> bool:
        """Whether the server has been told our status in this session."""

    def again(self, profile: str) -> None:
        """Tell the server our status anew, because what goes with it changed. Nothing where none was told yet."""

    async def status(self, *, profile: str) -> Status:
        """What the person tells others."""


CONTRACT: Final = Contract(
    plugin="presence",
    services=(PresenceApi,),
    kinds=(
        Kind("presence", Presence, "address", passing=True, snapshot=True),
        Kind("status", Status, "always “status”", snapshot=True),
    ),
)
