# SPDX-License-Identifier: AGPL-3.0-or-later
"""Finding rooms (XEP-0433, XEP-0045 sections 6.1 to 6.3). Contract of the plugin ``roomsearch``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final, Literal

import msgspec

from salut.api.contract import Contract, Service, method
from salut.model.page import Page


class RoomService(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A service that our server names: one that hosts ``rooms``, or one that can ``search`` for them."""

    address: str
    kind: Literal["rooms", "search"]
    name: str = ""


class FoundRoom(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public room. ``occupants``: how many were in it, -1 where that is not said; ``open``: it says that nothing is
    needed to enter."""

    address: str
    name: str = ""
    description: str = ""
    language: str = ""
    occupants: int = -1
    open: bool = False
    nonanonymous: bool = False


class RoomSearchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings."""

    service: Annotated[
        str,
        msgspec.Meta(
            description="Address of a search service (XEP-0433) to ask for rooms everywhere; it learns what you look"
            " for. Empty: ask your own server alone"
        ),
    ] = ""


class RoomSearchApi(Service):
    """Finding rooms."""

    service = "roomsearch"

    @method()
    @abstractmethod
    async def services(self, *, profile: str) -> list[RoomService]:
        """Services that our server names, found out once for each connection."""

    @method()
    @abstractmethod
    async def list(
        self, *, profile: str, service: str = "", after: str | None = None, limit: int = 200
    ) -> Page[FoundRoom]:
        """The public rooms of a service, as it lists them; by default of our server's first. ``limit`` at most
        1,000. ``unavailable`` where there is no service."""

    @method()
    @abstractmethod
    async def search(
        self, *, profile: str, text: str, service: str = "", after: str | None = None, limit: int = 50
    ) -> Page[FoundRoom]:
        """Public rooms that fit some words. Asked is ``service``, else the one of the settings, else one that our
        server names; where there is none, the rooms of our own server are looked through. ``limit`` at most 200.
        ``busy``: the service asks to wait."""


CONTRACT: Final = Contract(plugin="roomsearch", services=(RoomSearchApi,), settings=RoomSearchSettings)
