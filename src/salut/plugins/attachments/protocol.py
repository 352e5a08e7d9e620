# SPDX-License-Identifier: AGPL-3.0-or-later
"""Attachments between stanzas and structs: out-of-band data (XEP-0066 section 3), stateless file sharing (XEP-0447)
with its metadata (XEP-0446) and hashes (XEP-0300)."""

from __future__ import annotations

from typing import Final, cast
from xml.etree.ElementTree import Element

from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Attachment, Message, NewMessage
from salut.xmpp.decode import Inbound
from salut.xmpp.router import Wires
from salut.xmpp.xmltext import attributes, escape

OOB: Final = "jabber:x:oob"
SFS: Final = "urn:xmpp:sfs:0"
METADATA: Final = "urn:xmpp:file:metadata:0"
HASHES: Final = "urn:xmpp:hashes:2"
URL_DATA: Final = "http://jabber.org/protocol/url-data"
MOST: Final = 20  # attachments of one message
MAX_URL: Final = 8_192
MAX_NAME: Final = 255
MAX_TEXT: Final = 2_000
MAX_HASHES: Final = 5


def read_oob(x: Element) -> Attachment | None:
    """``<x xmlns='jabber:x:oob'/>``."""
    url = (x.findtext(f"{{{OOB}}}url") or "").strip()
    if not url or len(url) > MAX_URL:
        return None
    return Attachment(url=url, description=(x.findtext(f"{{{OOB}}}desc") or "")[:MAX_TEXT])


def read_sharing(element: Element) -> Attachment | None:
    """``<file-sharing/>``; the first address that its sources name. What has no address yet is kept by its name."""
    file = element.find(f"{{{METADATA}}}file")
    if file is None:
        return None
    target = element.find(f"{{{SFS}}}sources/{{{URL_DATA}}}url-data")
    url = target.get("target", "") if target is not None else ""

    def text(name: str, most: int) -> str:
        return (file.findtext(f"{{{METADATA}}}{name}") or "").strip()[:most]

    return Attachment(
        url=url if len(url) <= MAX_URL else "",
        name=text("name", MAX_NAME),
        type=text("media-type", 127),
        size=number(text("size", 20)),
        description=text("desc", MAX_TEXT),
        width=number(text("width", 10)),
        height=number(text("height", 10)),
        hashes={
            child.get("algo", "")[:40]: (child.text or "").strip()[:200]
            for child in file.findall(f"{{{HASHES}}}hash")[:MAX_HASHES]
        },
        inline=element.get("disposition") == "inline",
    )


def number(text: str) -> int:
    """A number of bytes or pixels; 0 for what is none."""
    return min(int(text), 1 << 62) if text.isascii() and text.isdecimal() else 0


def fill(_profile: str, new: NewMessage, inbound: Inbound) -> None:
    """One entry for each file: where both ways name the same address, the richer one."""
    shared = cast("list[Attachment]", inbound.parts.get("file-sharing", []))[:MOST]
    linked = cast("list[Attachment]", inbound.parts.get("oob", []))[:MOST]
    urls = {attachment.url for attachment in shared}
    found = shared + [attachment for attachment in linked if attachment.url not in urls]
    new.attachments = found[:MOST]


def write(message: Message) -> str:
    """Both ways, for new clients and old ones."""
    return "".join(_sharing(one) + _oob(one) for one in message.attachments)


def _oob(one: Attachment) -> str:
    return f"<x xmlns='{OOB}'><url>{escape(one.url)}</url></x>" if one.url else ""


def _sharing(one: Attachment) -> str:
    if not one.name and not one.type and not one.size:
        return ""
    values = {
        "media-type": one.type,
        "name": one.name,
        "size": str(one.size or ""),
        "desc": one.description,
        "width": str(one.width or ""),
        "height": str(one.height or ""),
    }
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items() if value)
    inner += "".join(
        f"<hash xmlns='{HASHES}'{attributes(algo=algo)}>{escape(value)}</hash>"
        for algo, value in one.hashes.items()
    )
    sources = (
        f"<sources><url-data xmlns='{URL_DATA}'{attributes(target=one.url)}/></sources>" if one.url else ""
    )
    way = attributes(disposition="inline" if one.inline else "attachment")
    return f"<file-sharing xmlns='{SFS}'{way}><file xmlns='{METADATA}'>{inner}</file>{sources}</file-sharing>"


class AttachmentsProtocol:
    """Registers with the wires and with chat."""

    def __init__(self, wires: Wires, chat: Chat) -> None:
        decoders = wires.shared.decoders
        decoders.add(f"{{{OOB}}}x", "oob", read_oob, many=True)
        decoders.add(f"{{{SFS}}}file-sharing", "file-sharing", read_sharing, many=True)
        wires.shared.disco.add_feature(OOB, SFS, METADATA)
        chat.content("oob", fill)
        chat.content("file-sharing", fill)
        chat.ask(write)
