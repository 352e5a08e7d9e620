# SPDX-License-Identifier: AGPL-3.0-or-later
"""Host metadata (XEP-0156, RFC 6415): where a domain's XMPP can be reached besides what DNS says.

Fetched over HTTPS alone, bounded in size, time and redirects. What it names is a hint and no authority: whoever
answers there must still show the domain's certificate.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterable
from typing import Final
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import ParseError, XMLParser

import msgspec

RELATIONS: Final = {
    "urn:xmpp:alt-connections:websocket": "websocket",
    "urn:xmpp:alt-connections:xbosh": "bosh",
}
PATHS: Final = ("/.well-known/host-meta.json", "/.well-known/host-meta")
MOST_BYTES = 65_536
MOST_LINKS = 10
MOST_REDIRECTS = 3
HTTPS_PORT = 443
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class WebLink(msgspec.Struct, frozen=True):
    """One way in over the web. ``kind``: websocket (RFC 7395) or bosh (XEP-0206)."""

    kind: str
    url: str

    @property
    def host(self) -> str:
        """The machine that the link leads to."""
        return urlsplit(self.url).hostname or ""


def read_json(raw: bytes) -> list[WebLink]:
    """The links of a JRD. Raises ``ValueError`` for what is none."""
    document = json.loads(raw)
    links = document.get("links") if isinstance(document, dict) else None
    if not isinstance(links, list):
        raise ValueError("no list of links")
    return _chosen((link.get("rel"), link.get("href")) for link in links if isinstance(link, dict))


def read_xml(raw: bytes) -> list[WebLink]:
    """The links of an XRD. Raises ``ValueError`` for what is none, or brings a document type of its own."""
    text = raw.decode()  # so that no other encoding hides what the next line looks for
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("a document type is not allowed")
    parser = XMLParser()  # noqa: S314 - bounded in size, without entities of its own
    try:
        parser.feed(text)
        root = parser.close()
    except ParseError as error:
        raise ValueError(str(error)) from None
    found = root.iter("{http://docs.oasis-open.org/ns/xri/xrd-1.0}Link")
    return _chosen((link.get("rel"), link.get("href")) for link in found)


def _chosen(links: Iterable[tuple[object, object]]) -> list[WebLink]:
    """The encrypted ones of the relations we know."""
    chosen: list[WebLink] = []
    for rel, href in links:
        kind = RELATIONS.get(rel) if isinstance(rel, str) else None
        if kind is None or not isinstance(href, str) or len(href) > 1000 or not _is_safe(href):
            continue
        chosen.append(WebLink(kind, href))
        if len(chosen) >= MOST_LINKS:
            break
    return chosen


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "wss") and bool(parts.hostname) and url.isprintable()
    except ValueError:
        return False


def fetch(
    domain: str, context: ssl.SSLContext, seconds: float = 8.0, port: int = HTTPS_PORT
) -> list[WebLink]:
    """Ask the domain's web server; blocks, so call it in a thread. Nothing found or no answer: an empty list."""
    for path in PATHS:
        try:
            raw = _get(f"https://{domain}:{port}{path}", context, seconds)
            if raw is not None:
                return read_json(raw) if path.endswith(".json") else read_xml(raw)
        except (OSError, http.client.HTTPException, ValueError):
            continue
    return []


def _get(url: str, context: ssl.SSLContext, seconds: float) -> bytes | None:
    for _ in range(MOST_REDIRECTS + 1):
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            return None
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port or HTTPS_PORT, timeout=seconds, context=context
        )
        try:
            connection.request("GET", parts.path or "/", headers={"Accept": "*/*", "Connection": "close"})
            answer = connection.getresponse()
            if answer.status in REDIRECTS:
                url = urljoin(url, answer.getheader("Location", ""))
                continue
            raw = answer.read(MOST_BYTES + 1)
            return raw if answer.status == http.client.OK and len(raw) <= MOST_BYTES else None
        finally:
            connection.close()
    return None
