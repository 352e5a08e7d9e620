# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looks at places where a server might be: connects, encrypts, reads the features, and leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from xml.etree.ElementTree import Element

import msgspec

from salut.model.errors import invalid
from salut.plugins.setup.api import Certificate, Place, Probe, WebPlace
from salut.xmpp import hostmeta
from salut.xmpp.certificate import CertificateReport, explain
from salut.xmpp.config import SessionConfig
from salut.xmpp.errors import LinkFailureError
from salut.xmpp.negotiate import SASL
from salut.xmpp.opening import GREETING_TIMEOUT, BadCertificateError, open_wire, peer_certificate
from salut.xmpp.resolve import Endpoint, endpoints, to_ascii
from salut.xmpp.router import Wires

MOST_NAMES = 50
MOST_MECHANISMS = 30
MOST_TEXT = 500


class Search:
    """The search for one address's server: asks DNS, servers and host metadata."""

    def __init__(self, wires: Wires, address: str, ca_file: str, pins: Sequence[str]) -> None:
        self._shared = wires.shared
        try:
            self._config = SessionConfig(jid=address, password=str, ca_file=ca_file, pins=tuple(pins))
        except ValueError as error:
            raise invalid("address", str(error)) from None

    async def dns(self) -> Probe:
        """The places that DNS names, nothing looked at yet; or why it names none."""
        domain = self._config.domain
        try:
            found = await endpoints(self._config, self._shared.dns)
        except LinkFailureError as error:
            return Probe(domain=domain, code=error.failure.code, reason=error.failure.reason)
        places = [
            Place(host=place.host, port=place.port, direct_tls=place.direct, source=place.source)
            for place in found
        ]
        return Probe(domain=domain, places=places)

    async def web(self) -> list[WebPlace]:
        """What the domain's host metadata names (XEP-0156)."""
        context = self._shared.tls.context(self._config.ca_file)
        found = await asyncio.to_thread(hostmeta.fetch, to_ascii(self._config.domain), context)
        return [WebPlace(kind=link.kind, url=link.url, host=link.host) for link in found]

    async def look(self, seen: Place) -> Place:
        """What is at a place. Never raises for what the server does."""
        config = self._config
        place = Endpoint(seen.host, seen.port, seen.direct_tls, seen.source)
        try:
            wire, features = await open_wire(place, config, self._shared.tls)
        except BadCertificateError as error:
            return _failed(seen, error, _certificate(error.report))
        except LinkFailureError as error:
            return _failed(seen, error)
        try:
            report = explain(peer_certificate(wire), config.domain, time.time_ns() // 1000, trusted=True)
            certificate = _certificate(report)
            if features is None:
                async with asyncio.timeout(GREETING_TIMEOUT):
                    features = await wire.restart(config.domain)
            return msgspec.structs.replace(seen, certificate=certificate, mechanisms=_mechanisms(features))
        except TimeoutError:
            reason = f"{place} accepts connections but does not answer as an XMPP server"
            return msgspec.structs.replace(seen, code="not-xmpp", reason=reason)
        except LinkFailureError as error:
            return _failed(seen, error)
        finally:
            wire.abort()


def _failed(place: Place, error: LinkFailureError, certificate: Certificate | None = None) -> Place:
    failure = error.failure
    return msgspec.structs.replace(
        place, code=failure.code, reason=failure.reason[: 2 * MOST_TEXT], certificate=certificate
    )


def _certificate(report: CertificateReport) -> Certificate:
    return Certificate(
        sha256=report.sha256,
        subject=report.subject[:MOST_TEXT],
        issuer=report.issuer[:MOST_TEXT],
        names=[name[:MOST_TEXT] for name in report.names[:MOST_NAMES]],
        not_before=report.not_before,
        not_after=report.not_after,
        problems=[problem[: 2 * MOST_TEXT] for problem in report.problems],
    )


def _mechanisms(features: Element) -> list[str]:
    found = features.findall(f"{{{SASL}}}mechanisms/{{{SASL}}}mechanism")
    return [(mechanism.text or "")[:50] for mechanism in found[:MOST_MECHANISMS]]
