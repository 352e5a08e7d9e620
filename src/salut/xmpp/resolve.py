# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a domain's XMPP service is: SRV records (RFC 6120 section 3.2), also for direct TLS (XEP-0368)."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from salut.xmpp.errors import fail

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiodns

    from salut.xmpp.config import SessionConfig

PORT = 5222
DIRECT_PORT = 5223
SRV_TIMEOUT = 8.0
MOST = 20
"""Endpoints that are tried in one attempt."""


class Srv(msgspec.Struct, frozen=True):
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class Endpoint(msgspec.Struct, frozen=True):
    """A place to connect to. ``direct``: TLS before XMPP. ``source``: how we know of it, for people."""

    host: str
    port: int
    direct: bool = False
    source: str = "configured"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Dns(Protocol):
    """Asks for SRV records. Raises ``LookupError`` (in words) when DNS cannot answer; no record is []."""

    async def srv(self, name: str) -> Sequence[Srv]: ...


class SharedDns:
    """One aiodns resolver for all sessions, made at the first question."""

    def __init__(self, nameservers: Sequence[str] = (), port: int = 53) -> None:
        self._nameservers = list(nameservers)
        self._port = port
        self._resolver: aiodns.DNSResolver | None = None

    async def srv(self, name: str) -> Sequence[Srv]:
        import aiodns  # only who has no host configured needs it
        import pycares

        if self._resolver is None:
            self._resolver = aiodns.DNSResolver(
                nameservers=self._nameservers or None,
                timeout=2.0,
                tries=2,
                udp_port=self._port,
                tcp_port=self._port,
            )
        try:
            answer = await self._resolver.query_dns(name, "SRV")
        except aiodns.error.DNSError as error:
            if error.args and error.args[0] in (aiodns.error.ARES_ENOTFOUND, aiodns.error.ARES_ENODATA):
                return []
            raise LookupError(f"DNS: {error.args[-1] if error.args else error}") from error
        found = (record.data for record in answer.answer[: 2 * MOST])
        return [
            Srv(data.priority, data.weight, data.port, data.target)
            for data in found
            if isinstance(data, pycares.SRVRecordData)
        ]

    async def close(self) -> None:
        """Free the resolver's sockets."""
        resolver, self._resolver = self._resolver, None
        if resolver is not None:
            await resolver.close()


async def endpoints(
    config: SessionConfig, dns: Dns, choose: Callable[[], float] = random.random
) -> list[Endpoint]:
    """The places to try, best first. Raises ``LinkFailureError`` when the domain says that it has none."""
    if config.host:
        port = config.port or (DIRECT_PORT if config.direct_tls else PORT)
        return [Endpoint(config.host.strip("[]"), port, config.direct_tls)]
    domain = config.domain
    if _is_literal(domain) or domain == "localhost":
        return [Endpoint(domain.strip("[]"), config.port or PORT, config.direct_tls, "the address itself")]
    ascii_domain = to_ascii(domain)
    plain, direct = await asyncio.gather(
        _ask(dns, f"_xmpp-client._tcp.{ascii_domain}"), _ask(dns, f"_xmpps-client._tcp.{ascii_domain}")
    )
    records = [(record, False) for record in plain or ()] + [(record, True) for record in direct or ()]
    offered = [(record, tls) for record, tls in records if record.target.rstrip(".")]
    if records and not offered:
        raise fail("no-service", f"{domain} says in DNS that it offers no XMPP to clients", fatal=True)
    if offered:
        return _ordered(offered, choose)[:MOST]
    source = "no SRV record" if plain is not None else "DNS did not answer for SRV"
    return [Endpoint(ascii_domain, config.port or PORT, False, source)]


def to_ascii(domain: str) -> str:
    """The form of a domain that DNS and TLS use. Raises ``LinkFailureError`` for what is no domain."""
    try:
        return domain.encode("idna").decode().rstrip(".")
    except UnicodeError:
        raise fail("bad-domain", f"{domain!r} is not a domain name", fatal=True) from None


async def _ask(dns: Dns, name: str) -> Sequence[Srv] | None:
    """None: no answer. A broken SRV lookup must not keep us from trying the domain itself."""
    try:
        async with asyncio.timeout(SRV_TIMEOUT):
            return await dns.srv(name)
    except (TimeoutError, LookupError, OSError):
        return None


def _ordered(records: list[tuple[Srv, bool]], choose: Callable[[], float]) -> list[Endpoint]:
    """RFC 2782: by priority; among equals at random by weight. Direct TLS and STARTTLS share one order."""
    result = []
    for priority in sorted({record.priority for record, _ in records}):
        group = [item for item in records if item[0].priority == priority]
        while group:
            group.sort(key=lambda item: item[0].weight > 0)
            mark, total = choose() * sum(record.weight for record, _ in group), 0
            index = 0
            for index, (record, _) in enumerate(group):  # noqa: B007 -- the last index is the choice
                total += record.weight
                if total >= mark:
                    break
            record, direct = group.pop(index)
            result.append(Endpoint(record.target.rstrip("."), record.port, direct, "SRV"))
    return result


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
