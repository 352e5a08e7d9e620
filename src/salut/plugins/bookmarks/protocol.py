# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bookmarks between XML and structs: items of XEP-0402, the one list of XEP-0048 in XEP-0049 or XEP-0223."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Final, Literal, cast
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring

import msgspec
import structlog

from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.bookmarks.marks import LEGACY, NATIVE, Mark
from salut.plugins.pep.api import Event, Item, Pep
from salut.xmpp import chatsettings
from salut.xmpp.chatsettings import ChatSettings
from salut.xmpp.errors import StanzaError
from salut.xmpp.router import Account
from salut.xmpp.xmltext import serialise

if TYPE_CHECKING:
    from salut.plugins.bookmarks.service import BookmarksService

NODE: Final = "urn:xmpp:bookmarks:1"
EXTENSIONS: Final = f"{{{NODE}}}extensions"
STORAGE: Final = "storage:bookmarks"
PRIVATE: Final = "jabber:iq:private"
COMPAT: Final = f"{NODE}#compat"
CONVERSION: Final = "urn:xmpp:bookmarks-conversion:0"  # XEP-0411: XEP-0049 and XEP-0223 are one
TRUE: Final = ("true", "1")
MAX_TEXT: Final = 1_023
MAX_ELEMENT: Final = 65_536  # characters of a bookmark, with what others keep in it
MOST: Final = 10_000  # as many as are fetched of a node

Place = Literal["", "pep", "private"]


# One bookmark
def room_of(text: str) -> str:
    """The room's address in normal form; empty where it is none."""
    try:
        parsed = addresses.parse(text)
    except SalutError:
        return ""
    return parsed.bare if parsed.local and not parsed.resource else ""


def _mark(address: str, conference: Element, element: str) -> Mark:
    namespace = conference.tag[1:].partition("}")[0]
    return Mark(
        address=address,
        name=conference.get("name", "")[:MAX_TEXT],
        nick=(conference.findtext(f"{{{namespace}}}nick") or "").strip()[:MAX_TEXT],
        autojoin=conference.get("autojoin", "").strip() in TRUE,
        password=(conference.findtext(f"{{{namespace}}}password") or "")[:MAX_TEXT],
        element=element,
    )


def read_item(item: Item) -> Mark | None:
    """An item of the node (XEP-0402 section 2); ``None``: it is no bookmark of a room, or a monstrous one."""
    conference = item.payload
    address = room_of(item.id)
    if not address or not isinstance(conference, Element) or conference.tag != f"{{{NODE}}}conference":
        return None
    password = conference.findtext(f"{{{NODE}}}password")
    element = serialise(_without_password(conference))
    if len(element) > MAX_ELEMENT:
        return None
    wished = chatsettings.read(conference.find(EXTENSIONS))
    return msgspec.structs.replace(
        _mark(address, conference, element),
        password=(password or "")[:MAX_TEXT],
        pinned=wished.pinned,
        notify=wished.level,
        muted_until=wished.muted_until,
    )


def _without_password(conference: Element) -> Element:
    copy = Element(conference.tag, conference.attrib)
    copy.extend(child for child in conference if child.tag != f"{{{NODE}}}password")
    return copy


def conference(mark: Mark) -> Element:
    """The payload of an item. What others wrote into it stays."""
    element = _parsed(mark.element)
    _attributes(element, mark)
    _child(element, f"{{{NODE}}}password", mark.password)
    _child(element, f"{{{NODE}}}nick", mark.nick)
    extensions = element.find(EXTENSIONS)
    if extensions is None:
        extensions = SubElement(element, EXTENSIONS)
    chatsettings.write(extensions, ChatSettings(mark.pinned, mark.notify, mark.muted_until))
    if not len(extensions):
        element.remove(extensions)
    return element


def _parsed(text: str) -> Element:
    if text:
        try:
            return fromstring(text)  # noqa: S314 -- our own writing, see read_item
        except ParseError:  # a column that somebody else has written
            pass
    return Element(f"{{{NODE}}}conference")


def _attributes(element: Element, mark: Mark) -> None:
    element.attrib.pop("name", None)
    if mark.name:
        element.set("name", mark.name)
    element.set("autojoin", "true" if mark.autojoin else "false")


def _child(element: Element, tag: str, text: str) -> None:
    """An element of the XEP's stands before those of others; empty: it goes."""
    old = element.find(tag)
    if text:
        if old is None:
            old = Element(tag)
            element.insert(0, old)
        old.text = text
    elif old is not None:
        element.remove(old)


# The one list
def read_storage(storage: Element | None) -> dict[str, Mark]:
    """The rooms in a list of XEP-0048."""
    marks: dict[str, Mark] = {}
    for child in storage if storage is not None else ():
        address = room_of(child.get("jid", ""))
        if child.tag == f"{{{STORAGE}}}conference" and address and len(marks) < MOST:
            marks.setdefault(address, _mark(address, child, ""))
    return marks


def write_storage(storage: Element | None, changes: Mapping[str, Mark | None]) -> Element | None:
    """The list with these changes (``None``: gone), all else as it was; ``None``: it says so already.

    Passwords in it stay, but none is added: the XEP advises against keeping them there.
    """
    element = storage if storage is not None else Element(f"{{{STORAGE}}}storage")
    before = serialise(element)
    tag = f"{{{STORAGE}}}conference"
    there: dict[str, Element] = {}
    for child in element.findall(tag):
        address = room_of(child.get("jid", ""))
        if address in changes and (changes[address] is None or address in there):
            element.remove(child)
        else:
            there[address] = child
    for address, mark in changes.items():
        if mark is not None:
            child = there[address] if address in there else SubElement(element, tag, {"jid": address})
            _attributes(child, mark)
            _child(child, f"{{{STORAGE}}}nick", mark.nick)
    return element if serialise(element) != before else None


class BookmarksProtocol:
    """The lists on the server."""

    def __init__(self, host: Host, pep: Pep, service: BookmarksService) -> None:
        self._host = host
        self._pep = pep
        self._service = service
        self._log: structlog.stdlib.BoundLogger = host.log
        pep.follow(NODE, self._told, own=True)
        pep.follow(STORAGE, self._told_storage, own=True)

    # In
    def _told(self, profile: str, event: Event) -> Awaitable[object]:
        marks = [mark for item in event.items if (mark := read_item(item)) is not None]
        if len(marks) < len(event.items):
            self._log.warning("not a bookmark", profile=profile, items=len(event.items) - len(marks))
        retracted = [room for key in event.retracted if (room := room_of(key))]
        return self._service.heard(profile, marks, retracted, gone=event.gone)

    def _told_storage(self, profile: str, event: Event) -> None:
        if self.place(profile) == "pep":
            self._service.heard_list(profile)

    def _account(self, profile: str) -> Account:
        """Of a profile that has one, online or not: what came before the link was lost is still dealt with."""
        link = self._host.links.get(profile) or self._host.link(profile)
        return cast("Account", link.session)

    def place(self, profile: str) -> Place:
        """Where the one list of XEP-0048 is kept; empty: the server makes it of the items."""
        features = self._account(profile).session.features.account.features
        if COMPAT in features:
            return ""
        return "pep" if CONVERSION in features and self._pep.supported(profile) else "private"

    def kept(self, profile: str) -> int:
        """Which lists are ours to keep. ``not-connected``."""
        native = NATIVE if self._pep.supported(profile) else 0
        return native | (LEGACY if self.place(profile) else 0)

    async def items(self, profile: str) -> dict[str, Mark]:
        """All items of the node. Raises as ``Pep``."""
        marks: dict[str, Mark] = {}
        for item in await self._pep.items(profile, NODE):
            mark = read_item(item)
            if mark is not None and len(marks) < MOST:
                marks[mark.address] = mark
        return marks

    async def item(self, profile: str, room: str) -> Mark | None:
        """One of them."""
        found = await self._pep.items(profile, NODE, ids=[room])
        return next((mark for item in found if (mark := read_item(item)) is not None), None)

    async def storage(self, profile: str) -> dict[str, Mark] | None:
        """The rooms in the one list; ``None``: the server keeps none. ``not-connected``, ``timeout``."""
        try:
            return read_storage(await self._storage(profile))
        except SalutError as error:
            if error.code == "refused":
                return None
            raise

    async def _storage(self, profile: str) -> Element | None:
        if self.place(profile) == "pep":
            for item in await self._pep.items(profile, STORAGE, most=1):
                if isinstance(item.payload, Element):
                    return item.payload
            return None
        query = f"<query xmlns='{PRIVATE}'><storage xmlns='{STORAGE}'/></query>"
        answer = await self._private(profile, "get", query)
        return answer.find(f"{{{PRIVATE}}}query/{{{STORAGE}}}storage")

    # Out
    async def publish(self, profile: str, mark: Mark) -> None:
        """Publish an item (sections 3.3 and 3.4). Raises as ``Pep``."""
        await self._pep.publish(
            profile,
            NODE,
            serialise(conference(mark)),
            item=mark.address,
            access="whitelist",
            most=0,
            options={"send_last_published_item": "never"},
        )

    async def retract(self, profile: str, room: str) -> None:
        """Remove an item (section 3.5). Raises as ``Pep``."""
        await self._pep.retract(profile, NODE, room)

    async def change_storage(self, profile: str, changes: Mapping[str, Mark | None]) -> None:
        """Change the one list: read anew and written whole. ``not-connected``, ``timeout``, ``refused``."""
        storage = write_storage(await self._storage(profile), changes)
        if storage is None:
            return
        text = serialise(storage)
        if self.place(profile) == "pep":
            await self._pep.publish(profile, STORAGE, text, access="whitelist")
        else:
            await self._private(profile, "set", f"<query xmlns='{PRIVATE}'>{text}</query>")

    async def _private(self, profile: str, kind: Literal["get", "set"], query: str) -> Element:
        """XEP-0049."""
        try:
            return await self._account(profile).session.iq(kind, query)
        except StanzaError as error:
            codes = {"not-connected": "not-connected", "remote-server-timeout": "timeout"}
            code = codes.get(error.condition, "refused")
            raise SalutError(code, str(error), {"condition": error.condition}) from None
