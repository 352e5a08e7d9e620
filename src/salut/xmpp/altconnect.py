# SPDX-License-Identifier: AGPL-3.0-or-later
"""Other ways to a domain's service, as its web site lists them (XEP-0156). Only for setup to show: we speak TCP."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from typing import Final
from xml.etree.ElementTree import Element, ParseError, XMLParser

import msgspec

from salut.xmpp.errors import LinkFailureError
from salut.xmpp.resolve import to_ascii

METHODS: Final = {"urn:xmpp:alt-connections:websocket": "websocket", "urn:xmpp:alt-connections:xbosh": "bosh"}
XRD: Final = "{http://docs.oasis-open.org/ns/xri/xrd-1.0}"
TIMEOUT = 8.0
MOST_BYTES = 64 * 1024
MOST_METHODS = 20


class AltMethod(msgspec.Struct, frozen=True):
    """A way that the domain offers: ``websocket`` or ``bosh``, and its address."""

    method: str
    url: str


async def alt_methods(domain: str, context: ssl.SSLContext) -> list[AltMethod]:
    """Ask ``https://DOMAIN/.well-known/host-meta.json``, then ``host-meta``. No answer is an empty list.

    Runs in a thread of the loop's pool. The certificate is checked: only what the domain itself says counts.
    """
    try:
        host = to_ascii(domain)
    except LinkFailureError:
        return []
    for name, read in (("host-meta.json", read_json), ("host-meta", read_xrd)):
        text = await asyncio.to_thread(_fetch, f"https://{host}/.well-known/{name}", context)
        if found := read(text):
            return found
    return []


def read_json(text: bytes) -> list[AltMethod]:
    """The links of a JRD document; what cannot be read is no link."""
    try:
        links = json.loads(text)["links"]
        pairs = [(link["rel"], link["href"]) for link in links[:100]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return _known(pairs)


def read_xrd(text: bytes) -> list[AltMethod]:
    """The links of an XRD document; what cannot be read is no link."""
    if b"<!" in text:  # no document type is needed to list links, and some are bombs
        return []
    parser = XMLParser()  # noqa: S314 -- bounded in size, and without a document type there are no entities
    try:
        parser.feed(text)
        root = parser.close()
    except ParseError:
        return []
    assert isinstance(root, Element)
    return _known([(link.get("rel", ""), link.get("href", "")) for link in root.findall(f"{XRD}Link")])


def _known(pairs: list[tuple[object, object]] | list[tuple[str, str]]) -> list[AltMethod]:
    found = []
    for rel, href in pairs:
        if not (isinstance(rel, str) and isinstance(href, str) and rel in METHODS):
            continue
        if href.startswith(("wss://", "https://")) and len(href) < 2000:
            found.append(AltMethod(METHODS[rel], href))
    return found[:MOST_METHODS]


def _fetch(url: str, context: ssl.SSLContext) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT, context=context) as answer:  # noqa: S310 -- always https
            body = answer.read(MOST_BYTES + 1)
    except (OSError, ValueError, urllib.error.URLError):
        return b""
    return body if isinstance(body, bytes) and len(body) <= MOST_BYTES else b""
