# SPDX-License-Identifier: AGPL-3.0-or-later
"""Carbons between stanzas and the router. Believed only from one's own account (XEP-0280 section 11)."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast
from xml.etree.ElementTree import Element

import structlog

from salut.engine.plugin import Link
from salut.xmpp.decode import MESSAGE, Inbound
from salut.xmpp.errors import StanzaError
from salut.xmpp.router import Account, Via, Wires

CARBONS = "urn:xmpp:carbons:2"
FORWARDED = "{urn:xmpp:forward:0}forwarded"


class CarbonsProtocol:
    """Unwraps copies and hands them on as messages."""

    def __init__(self, wires: Wires, log: structlog.stdlib.BoundLogger) -> None:
        self._wires = wires
        self._log = log
        for way in ("received", "sent"):
            wires.shared.decoders.add(f"{{{CARBONS}}}{way}", f"carbon-{way}", self._inner)
            wires.router.wrap(f"carbon-{way}", self._copy)

    def _inner(self, element: Element) -> Element | None:
        return element.find(f"{FORWARDED}/{MESSAGE}")

    def _copy(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        if inbound.from_ != account.bare:
            self._log.warning("forged carbon ignored", sender=inbound.from_, id=inbound.id)
            return None
        sent = "carbon-sent" in inbound.parts
        element = cast("Element", inbound.parts["carbon-sent" if sent else "carbon-received"])
        copy = self._wires.shared.decoders.decode(element)
        own = copy.from_.partition("/")[0] == account.bare
        if own != sent and not (own and copy.to.partition("/")[0] == account.bare):
            self._log.warning("carbon that contradicts itself ignored", id=inbound.id)
            return None
        return self._wires.router.route(account, copy, "carbon")

    async def enable(self, link: Link) -> bool:
        """Ask the server for copies; false where it has none."""
        account = cast("Account", link.session)
        if CARBONS not in account.session.features.server.features:
            return False
        try:
            await account.session.iq("set", f"<enable xmlns='{CARBONS}'/>")
        except StanzaError as error:
            self._log.warning("no carbons", condition=error.condition)
            return False
        return True
