# SPDX-License-Identifier: AGPL-3.0-or-later
"""The block list between stanzas and addresses (XEP-0191), with reports (XEP-0377).

Pushes are believed only from the account's own server (RFC 6120 section 8.1.2.1: no sender, or our bare address).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Literal, cast
from xml.etree.ElementTree import Element

from salut.engine.plugin import Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.blocking.api import BlockingSupport, Report
from salut.plugins.blocking.store import MOST
from salut.xmpp.errors import StanzaError
from salut.xmpp.iqs import Request, from_own_account
from salut.xmpp.messages import SID
from salut.xmpp.router import Account, Wires
from salut.xmpp.xmltext import attributes, escape

if TYPE_CHECKING:
    from salut.plugins.blocking.service import BlockingService

BLOCKING: Final = "urn:xmpp:blocking"
REPORTING: Final = "urn:xmpp:reporting:1"
CHUNK: Final = 100  # entries told to the server in one request


def read_items(element: Element) -> list[str]:
    """The addresses in a list, a push or an answer; what is none is left out, and what is too much."""
    found: dict[str, None] = {}
    for item in element.findall(f"{{{BLOCKING}}}item")[:MOST]:
        try:
            found[addresses.normal(item.get("jid", ""))] = None
        except SalutError:
            continue
    return [*found]


def report_xml(own: str, report: Report, reason: str, archived: Iterable[str]) -> str:
    """The ``<report/>`` in an item; ``archived``: ids in the account's archive."""
    ids = "".join(f"<stanza-id xmlns='{SID}'{attributes(by=own, id=key)}/>" for key in archived)
    text = f"<text>{escape(reason)}</text>" if reason else ""
    return f"<report xmlns='{REPORTING}' reason='urn:xmpp:reporting:{report}'>{ids}{text}</report>"


class BlockingProtocol:
    """Registers with the wires, and asks the server."""

    def __init__(self, wires: Wires, service: BlockingService) -> None:
        self._service = service
        self._accounts: dict[str, Account] = {}
        wires.shared.iqs.add("set", f"{{{BLOCKING}}}block", self._blocked)
        wires.shared.iqs.add("set", f"{{{BLOCKING}}}unblock", self._unblocked)

    def wire(self, link: Link) -> None:
        """A session was made."""
        self._accounts[link.profile] = cast("Account", link.session)

    def unwire(self, profile: str) -> None:
        """The session is gone."""
        self._accounts.pop(profile, None)

    # In
    def _blocked(self, request: Request) -> None:
        profile = self._profile(request)
        found = read_items(request.payload)
        if not found:
            raise StanzaError("bad-request", "a push of blocked addresses names at least one", "modify")
        self._service.pushed(profile, found)

    def _unblocked(self, request: Request) -> None:
        profile = self._profile(request)
        found = read_items(request.payload)
        if len(request.payload) and not found:
            raise StanzaError("bad-request", "these are no addresses", "modify")
        self._service.withdrawn(profile, found or None)

    def _profile(self, request: Request) -> str:
        if from_own_account(request):
            for account in self._accounts.values():
                if account.session.jid == request.own:
                    return account.profile
        raise StanzaError("service-unavailable")

    # Out
    def support(self, link: Link) -> BlockingSupport | None:
        """What the server can do; ``None``: it has not said."""
        features = cast("Account", link.session).session.features.server.features
        if not features:
            return None
        return BlockingSupport(server=BLOCKING in features, reports=REPORTING in features)

    async def fetch(self, link: Link) -> list[str]:
        """The server's list."""
        answer = await _iq(link, "get", f"<blocklist xmlns='{BLOCKING}'/>")
        found = answer.find(f"{{{BLOCKING}}}blocklist")
        return read_items(found) if found is not None else []

    async def block(self, link: Link, targets: Sequence[str], report: str = "") -> None:
        """Have the server block them; ``report`` as of ``report_xml``, for a single one."""
        for start in range(0, len(targets), CHUNK):
            items = "".join(
                f"<item{attributes(jid=target)}>{report}</item>" for target in targets[start : start + CHUNK]
            )
            await _iq(link, "set", f"<block xmlns='{BLOCKING}'>{items}</block>")

    async def unblock(self, link: Link, target: str) -> None:
        """Have the server block it no longer; one that it does not block is no error."""
        try:
            await _iq(link, "set", f"<unblock xmlns='{BLOCKING}'><item{attributes(jid=target)}/></unblock>")
        except SalutError as error:
            if error.data.get("condition") != "item-not-found":
                raise

    def report(self, link: Link, report: Report, reason: str, archived: Iterable[str]) -> str:
        """What goes into the item."""
        return report_xml(cast("Account", link.session).bare, report, reason, archived)


async def _iq(link: Link, kind: Literal["get", "set"], payload: str) -> Element:
    try:
        return await cast("Account", link.session).session.iq(kind, payload)
    except StanzaError as error:
        if error.condition == "not-connected":
            raise SalutError("not-connected", str(error), {"profile": link.profile}) from None
        if error.condition == "remote-server-timeout":
            raise SalutError("timeout", _("The server did not answer in time. Try again.")) from None
        words = _("The server refused: {}").format(error.text or error.condition)
        raise SalutError("refused", words, {"condition": error.condition}) from None
