# SPDX-License-Identifier: AGPL-3.0-or-later
"""Services and rooms between stanzas and structs (XEP-0030, XEP-0059, XEP-0433)."""

from __future__ import annotations

import asyncio
from typing import Final, Literal, cast
from xml.etree.ElementTree import Element

import msgspec

from salut.engine.plugin import Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.rooms.api import refusal
from salut.plugins.roomsearch.api import FoundRoom, RoomService
from salut.xmpp.disco import ITEMS, Info
from salut.xmpp.errors import StanzaError
from salut.xmpp.forms import submit
from salut.xmpp.router import Account
from salut.xmpp.xmltext import attributes, escape

SEARCH: Final = "urn:xmpp:channel-search:0:search"
PARAMS: Final = "urn:xmpp:channel-search:0:search-params"
ORDER: Final = "{urn:xmpp:channel-search:0:order}nusers"
OPEN_TO_SEE: Final = "{urn:xmpp:channel-search:0:anonymity}none"
RSM: Final = "http://jabber.org/protocol/rsm"
MUC: Final = "http://jabber.org/protocol/muc"
SECONDS: Final = 20.0
MOST_SERVICES: Final = 50
MOST_ROOMS: Final = 5_000  # of one answer
AT_ONCE: Final = 8


class Answer(msgspec.Struct, frozen=True):
    """Rooms, and what to ask for to get those after them; ``None``: there are no more."""

    rooms: list[FoundRoom]
    after: str | None = None


def _page(most: int, after: str | None) -> str:
    more = f"<after>{escape(after)}</after>" if after else ""
    return f"<set xmlns='{RSM}'><max>{most}</max>{more}</set>"


def _last(element: Element, got: int) -> str | None:
    """Where the next page begins, if the answer is a page of more."""
    last = element.findtext(f"{{{RSM}}}set/{{{RSM}}}last")
    count = element.findtext(f"{{{RSM}}}set/{{{RSM}}}count") or ""
    if not last or not got or (count.isascii() and count.isdecimal() and int(count[:9]) <= got):
        return None
    return last[:2000]


def _room(address: str) -> str | None:
    try:
        found = addresses.parse(address)
    except SalutError:
        return None
    return found.bare if found.local and not found.resource else None


def read_items(query: Element) -> Answer:
    """A service's list of rooms (XEP-0045 section 6.3)."""
    rooms: dict[str, FoundRoom] = {}
    items = query.findall(f"{{{ITEMS}}}item")[:MOST_ROOMS]
    for item in items:
        address = _room(item.get("jid", ""))
        if address is not None:
            rooms[address] = FoundRoom(address=address, name=item.get("name", "")[:200])
    return Answer(list(rooms.values()), _last(query, len(items)))


def read_found(result: Element) -> Answer:
    """What a search service has found. Only rooms (XEP-0045) are of use to us."""
    rooms: dict[str, FoundRoom] = {}
    items = result.findall(f"{{{SEARCH}}}item")[:MOST_ROOMS]
    for item in items:
        address = _room(item.get("address", ""))
        if address is None or (item.findtext(f"{{{SEARCH}}}service-type") or "xep-0045") != "xep-0045":
            continue
        count = (item.findtext(f"{{{SEARCH}}}nusers") or "").strip()[:9]
        is_open = item.find(f"{{{SEARCH}}}is-open")
        rooms[address] = FoundRoom(
            address=address,
            name=_text(item, "name", 200),
            description=_text(item, "description", 2000),
            language=_text(item, "language", 35),
            occupants=int(count) if count.isascii() and count.isdecimal() else -1,
            open=is_open is not None and (is_open.text or "true").strip() in ("true", "1"),
            nonanonymous=_text(item, "anonymity-mode", 100) == OPEN_TO_SEE,
        )
    return Answer(list(rooms.values()), _last(result, len(items)))


def _text(item: Element, name: str, most: int) -> str:
    return (item.findtext(f"{{{SEARCH}}}{name}") or "").strip()[:most]


class RoomSearchProtocol:
    """Asks servers and search services."""

    async def services(self, link: Link) -> list[RoomService]:
        """What our server names (XEP-0030); what does not answer is not there."""
        account = cast("Account", link.session)
        domain = account.bare.rpartition("@")[2]
        query = (await self._iq(link, f"<query xmlns='{ITEMS}'/>", domain)).find(f"{{{ITEMS}}}query")
        items = query.findall(f"{{{ITEMS}}}item")[:MOST_SERVICES] if query is not None else []
        named = {
            jid: item.get("name", "")
            for item in items
            if (jid := item.get("jid", "")) and not item.get("node")
        }
        gate = asyncio.Semaphore(AT_ONCE)

        async def look(address: str) -> list[RoomService]:
            async with gate:
                try:
                    info = await account.session.disco_info(addresses.normal(address))
                except (StanzaError, SalutError):
                    return []
            return [
                RoomService(address=address, kind=kind, name=named[address][:200]) for kind in kinds(info)
            ]

        found = await asyncio.gather(*(look(address) for address in named))
        return [service for services in found for service in services]

    async def rooms(self, link: Link, service: str, after: str | None, most: int) -> Answer:
        """Rooms of a service; one that knows no pages gives all."""
        asked = f"<query xmlns='{ITEMS}'>{_page(most, after)}</query>"
        query = (await self._iq(link, asked, service)).find(f"{{{ITEMS}}}query")
        return read_items(query) if query is not None else Answer([])

    async def search(self, link: Link, service: str, text: str, after: str | None, most: int) -> Answer:
        """Ask a search service; the most visited rooms come first, where it can order them so."""
        answers = {"q": [text], "types": ["xep-0045"], "key": [ORDER]}
        try:
            answer = await self._search(link, service, answers, after, most)
        except StanzaError as problem:
            if problem.condition != "feature-not-implemented":
                raise _failed(problem, service) from None
            try:
                answer = await self._search(link, service, {"q": [text]}, after, most)
            except StanzaError as again:
                raise _failed(again, service) from None
        result = answer.find(f"{{{SEARCH}}}result")
        return read_found(result) if result is not None else Answer([])

    async def _search(
        self, link: Link, service: str, answers: dict[str, list[str]], after: str | None, most: int
    ) -> Element:
        asked = f"<search{attributes(xmlns=SEARCH)}>{_page(most, after)}{submit(answers, PARAMS)}</search>"
        return await cast("Account", link.session).session.iq("get", asked, service, SECONDS)

    async def _iq(self, link: Link, payload: str, to: str) -> Element:
        try:
            return await cast("Account", link.session).session.iq("get", payload, to, SECONDS)
        except StanzaError as problem:
            raise _failed(problem, to) from None


def _failed(problem: StanzaError, service: str) -> SalutError:
    return refusal(service, problem.condition, problem.text)


def kinds(info: Info) -> list[Literal["rooms", "search"]]:
    """What a service is good for, by its disco#info."""
    found: list[Literal["rooms", "search"]] = []
    conference = any(i.category == "conference" and i.type == "text" for i in info.identities)
    if conference and MUC in info.features:
        found.append("rooms")
    if SEARCH in info.features:
        found.append("search")
    return found
