# SPDX-License-Identifier: AGPL-3.0-or-later
"""Software version (XEP-0092), time (XEP-0202), and what servers say of themselves, between stanzas and structs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final, cast
from xml.etree.ElementTree import Element

from salut.engine.plugin import Link
from salut.model import moment
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.server.api import Clock, ServerInfo, Software
from salut.plugins.server.outage import pages
from salut.xmpp.disco import Info
from salut.xmpp.errors import StanzaError
from salut.xmpp.iqs import Request
from salut.xmpp.router import Account, Wires
from salut.xmpp.xmltext import escape

if TYPE_CHECKING:
    from salut.plugins.server.service import ServerService

VERSION: Final = "jabber:iq:version"
TIME: Final = "urn:xmpp:time"
LAST: Final = "jabber:iq:last"
CONTACTS: Final = "http://jabber.org/network/serverinfo"
OUTAGES: Final = "urn:xmpp:sos:0"
PAGES: Final = "external-status-addresses"
KINDS: Final = ("abuse", "admin", "feedback", "sales", "security", "status", "support")
MAX_TEXT: Final = 200
MOST_FEATURES: Final = 500
MOST_CONTACTS: Final = 20
SECONDS: Final = 15.0


class ServerProtocol:
    """Answers others, and asks them."""

    def __init__(self, wires: Wires, service: ServerService) -> None:
        self._wires = wires
        self._service = service
        self._accounts: dict[str, Account] = {}
        wires.shared.iqs.add("get", f"{{{VERSION}}}query", self._version)
        wires.shared.iqs.add("get", f"{{{TIME}}}time", self._time)
        wires.shared.disco.add_feature(VERSION, TIME)

    def wire(self, link: Link) -> None:
        """A session was made."""
        self._accounts[link.profile] = cast("Account", link.session)

    def unwire(self, profile: str) -> None:
        """It is gone."""
        self._accounts.pop(profile, None)

    # Others ask
    def _version(self, request: Request) -> str:
        software = self._service.own_software(*self._asker(request))
        if software is None:
            raise StanzaError("service-unavailable")
        system = f"<os>{escape(software.os)}</os>" if software.os else ""
        return (
            f"<query xmlns='{VERSION}'><name>{escape(software.name)}</name>"
            f"<version>{escape(software.version)}</version>{system}</query>"
        )

    def _time(self, request: Request) -> str:
        clock = self._service.own_clock(*self._asker(request))
        if clock is None:
            raise StanzaError("service-unavailable")
        sign, minutes = "-" if clock.ahead < 0 else "+", abs(clock.ahead)
        utc = moment.iso(clock.utc // moment.SECOND * moment.SECOND).replace(".000000", "")
        return (
            f"<time xmlns='{TIME}'><tzo>{sign}{minutes // 60:02}:{minutes % 60:02}</tzo>"
            f"<utc>{utc}</utc></time>"
        )

    def _asker(self, request: Request) -> tuple[str, str]:
        """The profile that is asked, and who asks (bare; empty: our own account or server)."""
        for account in self._accounts.values():
            if account.session.jid == request.own:
                bare = request.from_.partition("/")[0].lower()
                if not self._service.may_ask(account.profile, bare):
                    raise StanzaError("resource-constraint", "too many questions", "wait")
                return account.profile, bare if bare != account.bare.lower() else ""
        raise StanzaError("service-unavailable")

    # We ask
    async def software(self, link: Link, address: str) -> Software:
        """Which program an address is. ``refused``, ``timeout``, ``not-connected``."""
        return read_software(await _ask(link, f"<query xmlns='{VERSION}'/>", address))

    async def time(self, link: Link, address: str) -> Clock:
        """What time it is there. As above."""
        return read_time(await _ask(link, f"<time xmlns='{TIME}'/>", address))

    async def info(self, link: Link) -> ServerInfo:
        """What the server says of itself; what it does not say is left out. ``refused``, ``timeout``."""
        session = cast("Account", link.session).session
        domain = session.config.domain
        info, software, uptime = await asyncio.gather(
            _told(session.disco_info(domain)), self._software(link, domain), self._uptime(link, domain)
        )
        return read_info(domain, info, software, uptime)

    async def _software(self, link: Link, domain: str) -> Software | None:
        try:
            return await self.software(link, domain)
        except SalutError:
            return None

    async def _uptime(self, link: Link, domain: str) -> int | None:
        try:
            answer = await _ask(link, f"<query xmlns='{LAST}'/>", domain)
        except SalutError:
            return None
        query = answer.find(f"{{{LAST}}}query")
        seconds = query.get("seconds", "") if query is not None else ""
        return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else None

    def outage_pages(self, link: Link) -> list[str]:
        """Where the server tells of outages, as it said when the session began."""
        info = cast("Account", link.session).session.features.server
        return pages(info.forms.get(OUTAGES, {}).get(PAGES, ()))

    def trust(self, ca_file: str) -> ssl.SSLContext:
        """Whose word counts for a page: the authorities of the profile's server."""
        return self._wires.shared.tls.context(ca_file)


def read_info(domain: str, info: Info, software: Software | None, uptime: int | None) -> ServerInfo:
    """The answers as one struct, bounded (XEP-0157 section 3)."""
    form = info.forms.get(CONTACTS, {})
    contacts = {
        kind: [value[: 5 * MAX_TEXT] for value in form.get(f"{kind}-addresses", ())[:MOST_CONTACTS] if value]
        for kind in KINDS
    }
    names = [identity.name for identity in info.identities if identity.category == "server"]
    return ServerInfo(
        domain=domain,
        name=(names[0] if names else "")[:MAX_TEXT],
        software=software,
        uptime=uptime,
        features=[feature[:MAX_TEXT] for feature in sorted(info.features)[:MOST_FEATURES]],
        contacts={kind: found for kind, found in contacts.items() if found},
        outage_pages=pages(info.forms.get(OUTAGES, {}).get(PAGES, ())),
    )


def read_software(answer: Element) -> Software:
    """A version answer. ``refused`` for one without a name."""
    query = answer.find(f"{{{VERSION}}}query")
    name, version, system = (
        (query.findtext(f"{{{VERSION}}}{tag}") or "").strip()[:MAX_TEXT] if query is not None else ""
        for tag in ("name", "version", "os")
    )
    if not name:
        raise SalutError("refused", _("It answered, but did not say what it is."))
    return Software(name=name, version=version, os=system)


def read_time(answer: Element) -> Clock:
    """A time answer. ``refused`` for one that is none."""
    time = answer.find(f"{{{TIME}}}time")
    zone = (time.findtext(f"{{{TIME}}}tzo") or "").strip() if time is not None else ""
    utc = (time.findtext(f"{{{TIME}}}utc") or "").strip() if time is not None else ""
    try:
        return Clock(utc=moment.parse(utc[:40]), ahead=_ahead(zone))
    except (ValueError, OverflowError):
        raise SalutError("refused", _("It answered, but with no time that can be understood.")) from None


def _ahead(zone: str) -> int:
    """Minutes of ``+01:00``, ``-06:30`` or ``Z`` (XEP-0082). ``ValueError``."""
    if zone == "Z":
        return 0
    hours, colon, minutes = zone[1:].partition(":")
    if zone[:1] not in ("+", "-") or not colon or not (hours + minutes).isdecimal() or len(zone) != 6:
        raise ValueError(zone)
    ahead = int(hours) * 60 + int(minutes)
    if ahead > 24 * 60:
        raise ValueError(zone)
    return -ahead if zone[0] == "-" else ahead


async def _told(asking: Awaitable[Info]) -> Info:
    try:
        return await asking
    except StanzaError as error:
        raise _failed(error) from None


async def _ask(link: Link, payload: str, to: str) -> Element:
    try:
        return await cast("Account", link.session).session.iq("get", payload, to, SECONDS)
    except StanzaError as error:
        raise _failed(error) from None


def _failed(error: StanzaError) -> SalutError:
    if error.condition == "not-connected":
        return SalutError("not-connected", str(error))
    if error.condition == "remote-server-timeout":
        return SalutError("timeout", _("There was no answer in time."))
    return SalutError(
        "refused",
        _("It does not tell: {}").format(error.text or error.condition),
        {"condition": error.condition},
    )
