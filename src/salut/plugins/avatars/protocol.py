# SPDX-License-Identifier: AGPL-3.0-or-later
"""Avatars between stanzas and structs (XEP-0084 version 1.1.4, XEP-0153 version 1.1, XEP-0398)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast
from xml.etree.ElementTree import Element

from salut.engine.plugin import Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.avatars.api import Avatar
from salut.plugins.avatars.images import MAX_BYTES, TYPES
from salut.plugins.pep.api import Item
from salut.xmpp.ask import ask
from salut.xmpp.router import Account, Wires
from salut.xmpp.xmltext import attributes, escape, serialise

if TYPE_CHECKING:
    from slixmpp.stanza import Presence as Stanza

    from salut.plugins.avatars.service import AvatarsService

METADATA: Final = "urn:xmpp:avatar:metadata"
DATA: Final = "urn:xmpp:avatar:data"
CONVERSION: Final = "urn:xmpp:pep-vcard-conversion:0"
UPDATE: Final = "vcard-temp:x:update"
VCARD: Final = "vcard-temp"
HASH: Final = re.compile("[0-9a-f]{40}")
MAX_TEXT: Final = MAX_BYTES * 3 // 2  # of base64, line feeds included


def read_metadata(address: str, payload: object) -> Avatar | None:
    """What a metadata item announces (section 4.2.1): the first picture that we could show from the data node.

    ``None``: nothing; the person shows no picture.
    """
    if not isinstance(payload, Element) or payload.tag != f"{{{METADATA}}}metadata":
        return None
    for info in payload.findall(f"{{{METADATA}}}info")[:20]:
        key = info.get("id", "").lower()
        size = _number(info.get("bytes", ""))
        if info.get("url") or not HASH.fullmatch(key) or info.get("type") not in TYPES or size > MAX_BYTES:
            continue
        return Avatar(
            address=address,
            hash=key,
            type=info.get("type", ""),
            size=size,
            width=_number(info.get("width", "")),
            height=_number(info.get("height", "")),
        )
    return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def metadata(avatar: Avatar | None) -> str:
    """The payload that announces a picture, or that there is none (section 3.5)."""
    if avatar is None:
        return f"<metadata xmlns='{METADATA}'/>"
    info = attributes(
        bytes=str(avatar.size),
        id=avatar.hash,
        type=avatar.type,
        width=str(avatar.width) if avatar.width else "",
        height=str(avatar.height) if avatar.height else "",
    )
    return f"<metadata xmlns='{METADATA}'><info{info}/></metadata>"


def data(content: bytes) -> str:
    """The payload with the bytes (section 4.1)."""
    return f"<data xmlns='{DATA}'>{base64.b64encode(content).decode()}</data>"


def read_base64(text: str | None) -> bytes | None:
    """Bytes from base64 with line feeds or without; ``None`` for what is none or too much."""
    if not text or len(text) > MAX_TEXT:
        return None
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if 0 < len(content) <= MAX_BYTES else None


def read_data(items: Sequence[Item]) -> bytes | None:
    """The bytes in what the data node gave."""
    for item in items:
        if isinstance(item.payload, Element) and item.payload.tag == f"{{{DATA}}}data":
            return read_base64(item.payload.text)
    return None


def read_update(presence: Element) -> str | None:
    """XEP-0153 section 4.1: a hash; empty for no picture; ``None`` where nothing is said of it."""
    photo = presence.find(f"{{{UPDATE}}}x/{{{UPDATE}}}photo")
    if photo is None:
        return None
    key = (photo.text or "").strip().lower()
    return key if not key or HASH.fullmatch(key) else None


class AvatarsProtocol:
    """Listens to presence, asks for vCards, and says in our presence which picture is ours."""

    def __init__(self, wires: Wires, service: AvatarsService) -> None:
        self._service = service
        wires.shared.presence.append(self._said)

    metadata = staticmethod(metadata)
    data = staticmethod(data)
    read_data = staticmethod(read_data)

    def wire(self, link: Link) -> None:
        """Listen to a session."""
        account = cast("Account", link.session)

        def came(stanza: Stanza) -> None:
            self.presence(account.profile, stanza.xml)

        account.session.client.add_event_handler("presence", came)

    def presence(self, profile: str, element: Element) -> None:
        """What an available presence says of its sender's picture; that of somebody in a room is nobody's."""
        if element.get("type"):
            return
        key = read_update(element)
        if key is None:
            return
        try:
            sender = addresses.parse(element.get("from", ""))
        except SalutError:
            return
        self._service.announced(profile, sender.bare, sender.resource, key)

    def _said(self, own: str) -> str:
        """XEP-0153 section 4.1, where the server does not say it for us."""
        key = self._service.ours(own)
        if key is None:
            return ""
        inner = f"<photo>{escape(key)}</photo>" if key else "<photo/>"
        return f"<x xmlns='{UPDATE}'>{inner}</x>"

    def converts(self, link: Link) -> bool:
        """Whether the server gives to old clients, in their way, what we publish (XEP-0398)."""
        features = cast("Account", link.session).session.features
        return CONVERSION in features.account.features | features.server.features

    async def photo(self, link: Link, address: str) -> bytes | None:
        """The picture in a vCard (XEP-0153 section 3.2); ``address`` empty: our own."""
        vcard = await self._vcard(link, address)
        photo = vcard.find(f"{{{VCARD}}}PHOTO") if vcard is not None else None
        return read_base64(photo.findtext(f"{{{VCARD}}}BINVAL")) if photo is not None else None

    async def set_photo(self, link: Link, kind: str, content: bytes) -> None:
        """Put a picture into our vCard, or take it out; all else in it stays."""
        vcard = await self._vcard(link, "")
        parts = [child for child in vcard if child.tag != f"{{{VCARD}}}PHOTO"] if vcard is not None else []
        inner = "".join(serialise(part, VCARD) for part in parts)
        if content:
            text = base64.b64encode(content).decode()
            inner += f"<PHOTO><TYPE>{escape(kind)}</TYPE><BINVAL>{text}</BINVAL></PHOTO>"
        await ask(cast("Account", link.session), "set", f"<vCard xmlns='{VCARD}'>{inner}</vCard>")

    async def _vcard(self, link: Link, address: str) -> Element | None:
        try:
            answer = await ask(cast("Account", link.session), "get", f"<vCard xmlns='{VCARD}'/>", address)
        except SalutError as error:
            if error.data.get("condition") in ("item-not-found", "service-unavailable"):
                return None
            raise
        return answer.find(f"{{{VCARD}}}vCard")
