# SPDX-License-Identifier: AGPL-3.0-or-later
"""What features read alike in messages: ids (XEP-0359) and delays (XEP-0203)."""

from __future__ import annotations

from typing import Final, cast
from xml.etree.ElementTree import Element

from salut.model import moment
from salut.xmpp.decode import Inbound

SID: Final = "urn:xmpp:sid:0"
DELAY: Final = "urn:xmpp:delay"
FALLBACK: Final = "urn:xmpp:fallback:0"
MAX_ID: Final = 512  # characters of an id that are kept


def stanza_id(element: Element) -> tuple[str, str] | None:
    """XEP-0359: who says so, and the id."""
    by, key = element.get("by", ""), element.get("id", "")
    return (by, key[:MAX_ID]) if by and key else None


def delay(element: Element) -> tuple[str, int] | None:
    """XEP-0203: who says so, and when it was sent."""
    try:
        return element.get("from", ""), moment.parse(element.get("stamp", ""))
    except ValueError:
        return None


def origin_of(inbound: Inbound) -> str:
    """The id that its sender gave the message."""
    origin = inbound.parts.get("origin-id")
    return (origin if isinstance(origin, str) and origin else inbound.id)[:MAX_ID]


def archive_id(inbound: Inbound, by: str) -> str:
    """The id in the archive of ``by``, believed only from there (XEP-0359 section 5)."""
    if "stanza-id" not in inbound.parts:
        return ""
    for who, key in cast("list[tuple[str, str]]", inbound.parts["stanza-id"]):
        if who == by:
            return key
    return ""


def server_time(inbound: Inbound, by: tuple[str, ...]) -> int:
    """When one of ``by`` says that the message was sent; 0 where none does."""
    if "delay" not in inbound.parts:
        return 0
    for who, when in cast("list[tuple[str, int]]", inbound.parts["delay"]):
        if who in by:
            return when
    return 0


def fallback(element: Element) -> tuple[str, list[tuple[int, int]]] | None:
    """XEP-0428: for which namespace, and which parts of the body (an empty list: all of it) are only for those who do
    not know that."""
    regions = [child for child in list(element)[:20] if child.tag == f"{{{FALLBACK}}}body"]
    if not regions and len(element):
        return None  # of the subject alone
    bounds = [(region.get("start", "0"), region.get("end")) for region in regions]
    spans = [(int(start), int(end)) for start, end in bounds if end is not None]
    return element.get("for", ""), spans if len(spans) == len(regions) else []


def without_fallback(inbound: Inbound, body: str, namespace: str) -> tuple[str, str]:
    """The body without what stands there for those who do not know ``namespace``, and that. Positions count
    characters (Unicode code points); such as lie outside of the body have no effect."""
    for what, spans in cast("list[tuple[str, list[tuple[int, int]]]]", inbound.parts.get("fallback", ())):
        if what != namespace:
            continue
        if not spans:
            return "", body
        rest, cut, last = "", "", 0
        for start, end in sorted(spans):
            if last <= start < end <= len(body):
                rest, cut, last = rest + body[last:start], cut + body[start:end], end
        return rest + body[last:], cut
    return body, ""
