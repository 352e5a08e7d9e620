# SPDX-License-Identifier: AGPL-3.0-or-later
"""Presence and status (RFC 6121 section 4). Contract of the plugin ``presence``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, Literal

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
        """Tell others. ``offline`` here means invisible: connected without presence."""


CONTRACT: Final = Contract(
    plugin="presence",
    services=(PresenceApi,),
    kinds=(
        Kind("presence", Presence, "address", passing=True, snapshot=True),
        Kind("status", Status, "always “status”", snapshot=True),
    ),
)
