# SPDX-License-Identifier: AGPL-3.0-or-later
"""What one session needs to know."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import msgspec

from salut.xmpp.parser import MAX_STANZA


class SessionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account and how to reach its server.

    ``jid`` is the bare address. ``password`` is called when it is needed (``Secret`` is such a callable); its
    result is never kept in readable form. ``host`` and ``port`` override DNS: ``port`` 0 means the usual one.
    ``direct_tls`` says for an overridden host whether TLS comes first (XEP-0368).
    ``ca_file`` is trusted besides the system's authorities. ``pins``: SHA-256 fingerprints; when there are
    any, exactly those certificates are accepted and no authority is asked.
    ``resource`` empty: the server chooses. ``priority`` -128..127 goes into presence.
    ``plaintext`` allows a stream without TLS, and only to a loopback ``host`` (tests and benches).
    """

    jid: str
    password: Callable[[], str]
    host: str = ""
    port: int = 0
    direct_tls: bool = False
    ca_file: str = ""
    pins: tuple[str, ...] = ()
    resource: str = ""
    priority: int = 0
    plaintext: bool = False
    max_stanza: int = MAX_STANZA

    def __post_init__(self) -> None:
        user, at, domain = self.jid.partition("@")
        if not (user and at and domain) or "/" in self.jid or "@" in domain:
            raise ValueError(f"not an account's address (name@server): {self.jid!r}")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"not a port: {self.port}")
        if not -128 <= self.priority <= 127:
            raise ValueError(f"not a priority: {self.priority}")
        if self.plaintext and not is_loopback(self.host):
            raise ValueError("a stream without TLS is only allowed to a loopback host")

    def __repr__(self) -> str:
        return f"SessionConfig({self.jid!r}, host={self.host!r}, port={self.port})"

    @property
    def user(self) -> str:
        """The part before the @."""
        return self.jid.partition("@")[0]

    @property
    def domain(self) -> str:
        """The part after the @."""
        return self.jid.partition("@")[2]


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this very machine, without asking DNS."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
