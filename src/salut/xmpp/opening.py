# SPDX-License-Identifier: AGPL-3.0-or-later
"""From an endpoint to an encrypted wire: TCP, STARTTLS or direct TLS, the certificate, the pins."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from typing import Final
from xml.etree.ElementTree import Element

from salut.xmpp.certificate import CertificateReport, explain
from salut.xmpp.config import SessionConfig
from salut.xmpp.errors import LinkFailureError, fail
from salut.xmpp.resolve import Endpoint, to_ascii
from salut.xmpp.tls import SharedTls, is_pinned, slim
from salut.xmpp.wire import Wire

STARTTLS: Final = "urn:ietf:params:xml:ns:xmpp-tls"
CONNECT_TIMEOUT = 15.0
GREETING_TIMEOUT = 8.0
"""Seconds in which a server must open its stream."""
TLS_TIMEOUT = 15.0


class BadCertificateError(LinkFailureError):
    """The certificate was refused; ``report`` says what is in it."""

    def __init__(self, report: CertificateReport, reason: str) -> None:
        super().__init__(fail("bad-certificate", reason, fatal=True).failure)
        self.report = report


async def open_wire(endpoint: Endpoint, config: SessionConfig, tls: SharedTls) -> tuple[Wire, Element | None]:
    """Connect and encrypt. Returns the wire, and the stream's features where they were read already.

    Raises ``LinkFailureError``; for a refused certificate its subclass ``BadCertificateError``.
    """
    try:
        return await _open(endpoint, config, tls, verify=not config.pins)
    except ssl.SSLCertVerificationError as error:
        report = await look(endpoint, config, tls, error.verify_message)
        if report is None:
            raise fail(
                "bad-certificate", f"the server's certificate is bad: {error.verify_message}", fatal=True
            ) from None
        raise BadCertificateError(report, report.summary) from None


async def look(
    endpoint: Endpoint, config: SessionConfig, tls: SharedTls, verdict: str = ""
) -> CertificateReport | None:
    """Fetch the endpoint's certificate without trusting it, and explain it. None when that fails."""
    try:
        wire, _ = await _open(endpoint, config, tls, verify=False, check_pins=False)
    except LinkFailureError:
        return None
    try:
        return explain(peer_certificate(wire), config.domain, time.time_ns() // 1000, verdict)
    finally:
        wire.abort()


async def _open(
    endpoint: Endpoint, config: SessionConfig, tls: SharedTls, *, verify: bool, check_pins: bool = True
) -> tuple[Wire, Element | None]:
    try:
        context = tls.context(config.ca_file, verify=verify, direct=endpoint.direct)
    except (OSError, ssl.SSLError) as error:
        raise fail(
            "bad-ca-file", f"cannot read the certificates in {config.ca_file}: {error}", fatal=True
        ) from None
    wire = await _connect(endpoint, config, context if endpoint.direct else None)
    try:
        features = None
        if not endpoint.direct:
            features = await _greeting(wire, endpoint, config)
            if await _starttls(wire, endpoint, config, context, features):
                features = None
        if check_pins and config.pins and features is None:
            _check_pins(wire, config)
        slim(wire.transport)
    except BaseException:
        wire.abort()
        raise
    return wire, features


async def _connect(endpoint: Endpoint, config: SessionConfig, context: ssl.SSLContext | None) -> Wire:
    loop = asyncio.get_running_loop()
    wire = Wire(config.max_stanza)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await loop.create_connection(
                lambda: wire,
                endpoint.host,
                endpoint.port,
                happy_eyeballs_delay=0.25,
                ssl=context,
                server_hostname=None if context is None else to_ascii(config.domain),
                ssl_handshake_timeout=None if context is None else TLS_TIMEOUT,
            )
    except ssl.SSLCertVerificationError:
        raise
    except (OSError, ValueError) as error:
        raise _in_words(endpoint, error) from None
    sock = wire.transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return wire


async def _greeting(wire: Wire, endpoint: Endpoint, config: SessionConfig) -> Element:
    try:
        async with asyncio.timeout(GREETING_TIMEOUT):
            return await wire.restart(config.domain)
    except TimeoutError:
        raise fail(
            "not-xmpp", f"{endpoint} accepts connections but does not answer as an XMPP server"
        ) from None


async def _starttls(
    wire: Wire, endpoint: Endpoint, config: SessionConfig, context: ssl.SSLContext, features: Element
) -> bool:
    """True when the wire is encrypted now; False only where plain text was allowed by name."""
    if config.plaintext:
        return False
    if features.find(f"{{{STARTTLS}}}starttls") is None:
        raise fail(
            "encryption-required", f"{endpoint} offers no encryption; nothing was sent to it", fatal=True
        )
    wire.write(f"<starttls xmlns='{STARTTLS}'/>")
    try:
        async with asyncio.timeout(TLS_TIMEOUT):
            answer = await wire.next()
            if answer.tag != f"{{{STARTTLS}}}proceed":
                raise fail("tls-failed", f"{endpoint} offers encryption but will not begin it")
            transport = await asyncio.get_running_loop().start_tls(
                wire.transport,
                wire,
                context,
                server_hostname=to_ascii(config.domain),
                ssl_handshake_timeout=TLS_TIMEOUT,
            )
    except ssl.SSLCertVerificationError:
        raise
    except (OSError, ValueError) as error:
        raise _in_words(endpoint, error) from None
    if transport is None:
        raise fail("tls-failed", f"{endpoint} hung up while encryption was being agreed on")
    wire.transport = transport
    return True


def peer_certificate(wire: Wire) -> bytes:
    """The certificate that the server showed, DER. Raises ``LinkFailureError`` where there was none."""
    tls_object = wire.transport.get_extra_info("ssl_object")
    der = tls_object.getpeercert(True) if tls_object is not None else None
    if not der:
        raise fail("tls-failed", "the server showed no certificate")
    assert isinstance(der, bytes)
    return der


def _check_pins(wire: Wire, config: SessionConfig) -> None:
    der = peer_certificate(wire)
    if not is_pinned(der, config.pins):
        report = explain(der, config.domain, time.time_ns() // 1000)
        raise BadCertificateError(
            report,
            "The server shows another certificate than the one that was pinned. "
            f"Its fingerprint is {report.sha256}; "
            f"pin it only if the server's owner confirms it.",
        )


def _in_words(endpoint: Endpoint, error: Exception) -> LinkFailureError:
    if isinstance(error, TimeoutError):
        return fail("connect-timeout", f"{endpoint} does not answer")
    if isinstance(error, ssl.SSLError):
        return fail("tls-failed", f"{endpoint}: encryption failed: {error.reason or error}")
    if isinstance(error, socket.gaierror):
        return fail("unknown-address", f"no address found for {endpoint.host} ({error.strerror})")
    # Several addresses give one error whose text lists them all.
    if isinstance(error, ConnectionRefusedError) or "Errno 111" in str(error):
        return fail(
            "connection-refused", f"{endpoint} refuses connections: is the server running, is the port right?"
        )
    if isinstance(error, OSError):
        return fail("connect-failed", f"cannot reach {endpoint}: {error.strerror or error}")
    return fail("bad-address", f"not an address: {endpoint}", fatal=True)
