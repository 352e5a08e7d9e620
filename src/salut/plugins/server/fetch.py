# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fetches one small page that a server named, and nothing else: a server's word must not make us knock at doors
of this machine or its network. aiohttp takes 0.2 s to import: import this module where it is needed."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from salut.plugins.server.outage import HTTPS, PageError, port_of

SECONDS: Final = 15.0
MOST_BYTES: Final = 64 * 1024
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also where an IPv6 address holds an IPv4 one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip.teredo is not None:
            return False
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


class Public(AbstractResolver):
    """Resolves names to public addresses alone. The connection goes to what was looked at: no second look-up."""

    def __init__(self, private: bool) -> None:
        self._private = private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM
        )
        good = [
            ResolveResult(
                hostname=host,
                host=str(place[0]),
                port=port,
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _type, proto, _name, place in found
            if self._private or is_public(str(place[0]))
        ]
        if not good:
            raise OSError(None, "the name leads to no public address")
        return good

    async def close(self) -> None:
        """Nothing is held."""


async def fetch(url: str, context: ssl.SSLContext, *, private: bool) -> bytes:
    """The page at ``url``, an ``https`` address. No redirects, no cookies, no proxy. Raises ``PageError``."""
    host = HTTPS.match(url)
    if host is None:
        raise PageError("not an https address")
    name = host["host"].strip("[]")
    literal = ":" in name or name.replace(".", "").isdigit()
    if not private and ((port_of(host) < 1024 and port_of(host) != 443) or (literal and not is_public(name))):
        raise PageError("not a public address")
    connector = aiohttp.TCPConnector(resolver=Public(private), ssl=context, use_dns_cache=False, limit=1)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False,
                headers={"User-Agent": "Salut", "Accept": "application/json"}, auto_decompress=False,
            ) as client,
            client.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as answer,
        ):  # fmt: skip
            if answer.status != 200:
                raise PageError(f"status {answer.status}")
            page = await answer.content.read(1)
            while len(page) <= MOST_BYTES and (more := await answer.content.read(MOST_BYTES)):
                page += more
    except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
        raise PageError(str(error)[:300] or type(error).__name__) from None
    if len(page) > MOST_BYTES:
        raise PageError(f"more than {MOST_BYTES} bytes")
    return page
