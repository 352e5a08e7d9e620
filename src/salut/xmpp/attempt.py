# SPDX-License-Identifier: AGPL-3.0-or-later
"""One attempt to get online: endpoints in turn, each opened and negotiated, the most telling failure kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from salut.model.link import LinkWord as Stage
from salut.xmpp.certificate import CertificateReport
from salut.xmpp.config import SessionConfig
from salut.xmpp.errors import Failure, LinkFailureError, fail
from salut.xmpp.negotiate import Established, Resume, derive_in_thread, negotiate
from salut.xmpp.opening import BadCertificateError, open_wire
from salut.xmpp.resolve import PORT, Dns, Endpoint, endpoints
from salut.xmpp.scram import Request
from salut.xmpp.tls import SharedTls
from salut.xmpp.wire import Wire

NEGOTIATION_TIMEOUT = 30.0
MOST_REDIRECTS = 5
MOST_SALTED = 4


class Arrival(msgspec.Struct):
    """A wire with an established session on it."""

    wire: Wire
    endpoint: Endpoint
    established: Established


class Attempts:
    """Makes attempts for one account and remembers between them what saves work: the salted password."""

    def __init__(self, tls: SharedTls, dns: Dns) -> None:
        self._tls = tls
        self._dns = dns
        self._salted: dict[Request, bytes] = {}
        self._redirect: Endpoint | None = None
        self._redirects = 0
        self.certificate: CertificateReport | None = None

    def forget(self) -> None:
        """The configuration changed: nothing remembered holds."""
        self._salted.clear()
        self._redirect, self._redirects = None, 0
        self.certificate = None

    async def run(
        self, config: SessionConfig, resume: Resume | None, progress: Callable[[Stage, str], None]
    ) -> Arrival:
        """One attempt. Raises ``LinkFailureError``; cancelling leaves nothing open."""
        progress("resolving", "")
        redirect, self._redirect = self._redirect, None
        places = [redirect] if redirect is not None else await endpoints(config, self._dns)
        worst: Failure | None = None
        for place in places:
            try:
                arrival = await self._try(place, config, resume, progress)
            except LinkFailureError as error:
                if isinstance(error, BadCertificateError):
                    self.certificate = error.report
                if self.redirected(error.failure, config):
                    raise
                if worst is None or (error.failure.fatal and not worst.fatal):
                    worst = error.failure
                continue
            self._redirects = 0
            self.certificate = None
            return arrival
        raise LinkFailureError(worst or Failure("no-service", f"{config.domain} has no address to try"))

    def redirected(self, failure: Failure, config: SessionConfig) -> bool:
        """Follow see-other-host in the next attempt, a few times in a row. The certificate must still be the
        domain's, so a redirect can lead to nobody else."""
        if not failure.redirect or self._redirects >= MOST_REDIRECTS or config.plaintext:
            return False
        host, _, port = failure.redirect.rpartition(":")
        if not (host and port.isascii() and port.isdigit() and len(port) < 6) or host.endswith(":"):
            host, port = failure.redirect, ""
        self._redirects += 1
        self._redirect = Endpoint(host.strip("[]"), int(port or PORT), False, "the server's redirect")
        return True

    async def _try(
        self,
        place: Endpoint,
        config: SessionConfig,
        resume: Resume | None,
        progress: Callable[[Stage, str], None],
    ) -> Arrival:
        progress("connecting", str(place))
        wire, features = await open_wire(place, config, self._tls)
        try:
            progress("authenticating", str(place))
            encrypted = wire.transport.get_extra_info("ssl_object") is not None
            async with asyncio.timeout(NEGOTIATION_TIMEOUT):
                established = await negotiate(
                    wire,
                    features,
                    config,
                    encrypted=encrypted,
                    derive=lambda request: self._derive(request, config.password),
                    resume=resume,
                )
        except TimeoutError:
            wire.abort()
            raise fail(
                "login-timeout", f"{place} did not finish the login in {NEGOTIATION_TIMEOUT:g} s"
            ) from None
        except BaseException:
            wire.abort()
            raise
        return Arrival(wire, place, established)

    async def _derive(self, request: Request, password: Callable[[], str]) -> bytes:
        salted = self._salted.get(request)
        if salted is None:
            salted = await derive_in_thread(request, password)
            if len(self._salted) >= MOST_SALTED:
                self._salted.clear()
            self._salted[request] = salted
        return salted
