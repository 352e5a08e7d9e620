# SPDX-License-Identifier: AGPL-3.0-or-later
"""The server, and what programs are and what time it is elsewhere (XEP-0030, 0092, 0128, 0157, 0202, 0455).

Contract of the plugin ``server``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from salut.api.contract import Contract, Kind, Service, method

Who = Literal["everyone", "contacts", "nobody"]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What others may know of us, and how we ask after outages."""

    answer_version: Annotated[
        Who, Meta(description="who is told that this is Salut, and its version (XEP-0092)")
    ] = "everyone"
    answer_os: Annotated[bool, Meta(description="also tell the operating system's name")] = False
    answer_time: Annotated[
        Who, Meta(description="who is told the time here, which gives the time zone away (XEP-0202)")
    ] = "contacts"
    outages: Annotated[bool, Meta(description="ask the pages that servers name for news of outages")] = True
    outages_private: Annotated[
        bool, Meta(description="such pages may lie on this machine or in its own network")
    ] = False


class Software(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A program, as it calls itself."""

    name: str
    version: str = ""
    os: str = ""


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """What time it is somewhere: ``utc`` in microseconds, and minutes that its zone is ahead of that."""

    utc: int
    ahead: int


class Outage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """News of an outage of the server (XEP-0455); a ``beginning`` to come is a plan. Moments are microseconds, 0
    where unsaid. The words are the operator's. ``source`` is the page that said so."""

    beginning: int
    expected_end: int = 0
    planned: bool = False
    message: str = ""
    source: str = ""


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a server says of itself. ``contacts``: abuse, admin, feedback, sales, security, status, support ->
    addresses of any kind (XEP-0157). ``uptime`` in seconds (XEP-0012), none where it does not say."""

    domain: str
    name: str = ""
    software: Software | None = None
    uptime: int | None = None
    features: list[str] = []
    contacts: dict[str, list[str]] = {}
    outage_pages: list[str] = []
    outage: Outage | None = None


class ServerApi(Service):
    """Servers and programs."""

    service = "server"

    @method()
    @abstractmethod
    async def info(self, *, profile: str) -> ServerInfo:
        """What the profile's server says of itself, asked now."""

    @method()
    @abstractmethod
    async def outage(self, *, profile: str, refresh: bool = False) -> Outage | None:
        """News of an outage, as last heard; works without a connection. ``refresh``: ask the pages now."""

    @method()
    @abstractmethod
    async def software(self, *, profile: str, address: str) -> Software:
        """Which program an address is: a server's domain, or a full address with resource.

        ``refused`` where it does not tell, ``timeout``.
        """

    @method()
    @abstractmethod
    async def time(self, *, profile: str, address: str) -> Clock:
        """What time it is at an address. ``refused``, ``timeout``."""


CONTRACT: Final = Contract(
    plugin="server",
    services=(ServerApi,),
    kinds=(Kind("outage", Outage, "outage", snapshot=True),),
    settings=ServerSettings,
)
