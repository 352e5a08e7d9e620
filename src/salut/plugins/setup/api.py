# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looking for an account's server before there is a profile. Contract of the plugin ``setup``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import msgspec

from salut.api.contract import Contract, Service, method


class Certificate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A certificate that a server showed. Times are microseconds UTC, 0 where it cannot be read.

    ``sha256`` is what a pin is made of. ``problems`` are whole sentences; none: it is accepted.
    """

    sha256: str
    subject: str = ""
    issuer: str = ""
    names: list[str] = []
    not_before: int = 0
    not_after: int = 0
    problems: list[str] = []


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place where the server might be, and what was found there.

    ``source`` is how we know of it, for people. ``code`` is empty where XMPP is spoken and the certificate
    accepted, else a stable word with ``reason`` for people. ``mechanisms`` are the ways to log in.
    """

    host: str
    port: int
    direct_tls: bool = False
    source: str = ""
    code: str = ""
    reason: str = ""
    certificate: Certificate | None = None
    mechanisms: list[str] = []


class WebPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A way in over the web (XEP-0156), which Salut does not speak: ``websocket`` or ``bosh``."""

    kind: str
    url: str
    host: str


class Probe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found out about a domain. ``places`` are in the order in which they should be used.

    ``code`` and ``reason`` say why there are no places at all. ``web`` is looked for only where no place is good.
    """

    domain: str
    places: list[Place] = []
    web: list[WebPlace] = []
    code: str = ""
    reason: str = ""


class SetupApi(Service):
    """Finding servers."""

    service = "setup"

    @method(scope="admin")
    @abstractmethod
    async def probe(
        self,
        *,
        address: str,
        host: str = "",
        port: int = 0,
        direct_tls: bool | None = None,
        ca_file: str = "",
        pins: list[str] = [],  # noqa: B006 - a default of the contract, never changed
        timeout: float = 25.0,
    ) -> Probe:
        """Find an address's server and look at it, without logging in and without a profile.

        Looks in DNS (RFC 6120 section 3.2, XEP-0368), or at ``host`` and ``port`` alone where they are given,
        with either kind of TLS where ``direct_tls`` is not; where nothing answers, also at the machines that
        the domain's host metadata names (XEP-0156). ``timeout``: seconds for the whole (at most 60).
        """


CONTRACT: Final = Contract(plugin="setup", services=(SetupApi,))
