# SPDX-License-Identifier: AGPL-3.0-or-later
"""What features read alike in messages: ids (XEP-0359) and delays (XEP-0203)."""

from __future__ import annotations

from typing import Final, cast
from xml.etree.ElementTree import Element

from salut.model import moment
from salut.xmpp.decode import Inbound

SID: Final = "urn:xmpp:sid:0"
DELAY: Final = "urn:xmpp:delay"
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
    for who, key in cast("list[tuple[str, str]]", inbound.parts.get("stanza-id", ())):
        if who == by:
            return key
    return ""


def server_time(inbound: Inbound, by: tuple[str, ...]) -> int:
    """When one of ``by`` says that the message was sent; 0 where none does."""
    for who, when in cast("list[tuple[str, int]]", inbound.parts.get("delay", ())):
        if who in by:
            return when
    return 0
