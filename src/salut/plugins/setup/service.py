# SPDX-License-Identifier: AGPL-3.0-or-later
"""Decides where to look for a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from salut.model import address as addresses
from salut.model.errors import SalutError, invalid
from salut.model.words import _
from salut.plugins.setup.api import Place, Probe, SetupApi, WebPlace

MOST_PLACES = 8
MAX_SECONDS = 60.0
PORT, DIRECT_PORT, HTTPS_PORT = 5222, 5223, 443


class Search(Protocol):
    """What the service asks of the network (``protocol.Search``)."""

    async def dns(self) -> Probe:
        """The places that DNS names, or why it names none."""

    async def web(self) -> list[WebPlace]:
        """What host metadata names."""

    async def look(self, seen: Place) -> Place:
        """The place with what is there."""


MakeSearch = Callable[[str, str, Sequence[str]], Search]  # address, ca_file, pins


class SetupService(SetupApi):
    """``setup.*``."""

    def __init__(self, search: MakeSearch) -> None:
        self._search = search

    async def probe(
        self,
        *,
        address: str,
        host: str = "",
        port: int = 0,
        direct_tls: bool | None = None,
        ca_file: str = "",
        pins: Sequence[str] = (),
        timeout: float = 25.0,
    ) -> Probe:
        parts = addresses.parse(address)
        if not parts.local:
            raise invalid("address", _("An account's address has a name before the @: name@server"))
        if not 0 <= port <= 65535:
            raise invalid("port", _("A port is a number from 1 to 65535 (0: found through DNS)."))
        search = self._search(parts.bare, ca_file, pins)
        try:
            async with asyncio.timeout(min(max(timeout, 1.0), MAX_SECONDS)):
                if host or port:
                    places = given(host or parts.domain, port, direct_tls)
                    return Probe(domain=parts.domain, places=await _look(search, places))
                return await _find(search)
        except TimeoutError:
            raise SalutError(
                "timeout", _("Looking for the server of {} took too long.").format(parts.domain)
            ) from None


async def _find(search: Search) -> Probe:
    found = await search.dns()
    found = msgspec.structs.replace(found, places=await _look(search, found.places))
    if found.code or any(not place.code or place.certificate for place in found.places):
        return found
    # XEP-0156 section "Business Rules": host metadata is a fallback, for when the ways of RFC 6120 lead nowhere.
    web = await search.web()
    tried = {place.host for place in found.places}
    more = [
        Place(host=host, port=PORT, source="host-meta")
        for host in dict.fromkeys(link.host for link in web)
        if host not in tried
    ]
    return msgspec.structs.replace(found, places=[*found.places, *await _look(search, more)], web=web)


async def _look(search: Search, places: Sequence[Place]) -> list[Place]:
    return list(await asyncio.gather(*(search.look(place) for place in places[:MOST_PLACES])))


def given(host: str, port: int, direct_tls: bool | None) -> list[Place]:
    """The places that the person named: with the kind of TLS they said, else with both, the likelier first."""
    kinds = [direct_tls] if direct_tls is not None else [False, True]
    if port in (DIRECT_PORT, HTTPS_PORT):
        kinds.reverse()
    return [
        Place(
            host=host.strip("[]"),
            port=port or (DIRECT_PORT if direct else PORT),
            direct_tls=direct,
            source="given",
        )
        for direct in kinds
    ]
