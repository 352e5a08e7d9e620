# SPDX-License-Identifier: AGPL-3.0-or-later
"""Displayed marks as items of the account's own node (XEP-0490 version 1.0.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element

import structlog

from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.pep.api import Event, Item, Pep
from salut.xmpp.messages import MAX_ID, SID
from salut.xmpp.xmltext import escape

NODE: Final = "urn:xmpp:mds:displayed:0"
Heard = Callable[[str, Sequence[tuple[str, str]]], Awaitable[object]]


def read_item(item: Item, own: str) -> tuple[str, str] | None:
    """Conversation and archive id of an item; ``None``: it is not as the XEP has it.

    The id must be one of our own archive's, or of that of the room which the conversation is.
    """
    payload = item.payload
    if not isinstance(payload, Element) or payload.tag != f"{{{NODE}}}displayed":
        return None
    named = payload.findall(f"{{{SID}}}stanza-id")
    if len(named) != 1:
        return None
    by, key = named[0].get("by", ""), named[0].get("id", "")
    try:
        address = addresses.parse(item.id)
        archive = addresses.bare(by)
    except SalutError:
        return None
    if not key or len(key) > MAX_ID or archive not in (own, address.bare):
        return None
    return str(address), key


def payload(by: str, archive: str) -> str:
    """The item that says so."""
    return f"<displayed xmlns='{NODE}'><stanza-id xmlns='{SID}' by='{escape(by)}' id='{escape(archive)}'/></displayed>"


class MdsProtocol:
    """The node. ``heard(profile, marks)``: what other devices displayed."""

    def __init__(
        self, pep: Pep, address: Callable[[str], str], heard: Heard, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._pep = pep
        self._address = address
        self._heard = heard
        self._log = log
        pep.follow(NODE, self._event, own=True)

    def _own(self, profile: str) -> str:
        return addresses.bare(self._address(profile))

    def _read(self, profile: str, items: Iterable[Item]) -> list[tuple[str, str]]:
        own = self._own(profile)
        marks = []
        for item in items:
            mark = read_item(item, own)
            if mark is not None:
                marks.append(mark)
            else:
                self._log.warning("no displayed mark", profile=profile, item=item.id[:200])
        return marks

    def _event(self, profile: str, event: Event) -> Awaitable[object] | None:
        marks = self._read(profile, event.items)
        return self._heard(profile, marks) if marks else None

    def supported(self, profile: str) -> bool:
        """Whether the server keeps private data."""
        return self._pep.supported(profile)

    async def fetch(self, profile: str) -> list[tuple[str, str]]:
        """All that the node says (section 3.4). Raises as ``Pep``."""
        return self._read(profile, await self._pep.items(profile, NODE))

    async def publish(self, profile: str, conversation: str, archive: str, *, room: bool) -> None:
        """Say how far a conversation is read (section 3.2). Raises as ``Pep``."""
        await self._pep.publish(
            profile,
            NODE,
            payload(conversation if room else self._own(profile), archive),
            item=conversation,
            access="whitelist",
            most=0,
            options={"send_last_published_item": "never"},
        )
