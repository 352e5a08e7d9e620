# SPDX-License-Identifier: AGPL-3.0-or-later
"""TLS contexts that all sessions share: a context of its own would cost each profile 0.8 MB."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from typing import Final

READ_BUFFER: Final = 32 * 1024


class SharedTls:
    """Contexts by what they trust. TLS 1.2 at least; names are checked unless the certificate is pinned."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[str, bool, bool], ssl.SSLContext] = {}

    def context(self, ca_file: str = "", *, verify: bool = True, direct: bool = False) -> ssl.SSLContext:
        """The context that trusts the system's authorities and ``ca_file``.

        ``verify=False`` is for pinned certificates and for looking at one: the caller compares the
        fingerprint after the handshake, before anything is sent. ``direct`` offers ALPN (XEP-0368).
        Raises ``OSError`` or ``ssl.SSLError`` when ``ca_file`` cannot be read.
        """
        key = (ca_file if verify else "", verify, direct)
        context = self._contexts.get(key)
        if context is None:
            self._contexts[key] = context = _make(*key)
        return context


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate in lower-case hexadecimal, as pins are kept."""
    return hashlib.sha256(der).hexdigest()


def is_pinned(der: bytes, pins: tuple[str, ...]) -> bool:
    """Whether one of ``pins`` (hexadecimal, colons and case do not matter) is this certificate's."""
    own = fingerprint(der)
    return any(
        hmac.compare_digest(pin.replace(":", "").strip().lower().encode(), own.encode()) for pin in pins
    )


def slim(transport: asyncio.Transport) -> None:
    """Shrink the read buffer that asyncio keeps for each TLS connection from 256 KiB to 32.

    It is most of what an idle profile costs. asyncio has no public way; where its inside looks otherwise than
    in Python 3.11 to 3.14, nothing is done. To be called between two reads.
    """
    protocol = getattr(transport, "_ssl_protocol", None)
    buffer = getattr(protocol, "_ssl_buffer", None)
    if not isinstance(buffer, bytearray) or not isinstance(getattr(protocol, "max_size", None), int):
        return
    small = bytearray(READ_BUFFER)
    values = {"max_size": READ_BUFFER, "_ssl_buffer": small, "_ssl_buffer_view": memoryview(small)}
    for name, value in values.items():
        setattr(protocol, name, value)


def _make(ca_file: str, verify: bool, direct: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if verify:
        context.set_default_verify_paths()
        if ca_file:
            context.load_verify_locations(cafile=ca_file)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if direct:
        context.set_alpn_protocols(["xmpp-client"])
    return context
