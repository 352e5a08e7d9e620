# SPDX-License-Identifier: AGPL-3.0-or-later
"""Free loopback ports that several test runs on one machine do not take from each other."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Self

_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class NoFreePortError(OSError):
    """Every port that may be tried is taken."""


def _candidates() -> range:
    """Ports which the kernel never gives to an outgoing connection by itself."""
    try:
        low, high = (int(word) for word in _RANGE_FILE.read_text().split())
    except (OSError, ValueError):
        low, high = 32768, 60999
    return range(10_000, low) if low > 12_000 else range(high + 1, 65_536)


def _is_free(port: int) -> bool:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError:
            if family == socket.AF_INET6 and not _has_ipv6():
                continue
            return False
    return True


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class PortPool:
    """Hands out distinct ports, free on 127.0.0.1 and ::1, and keeps them ours until ``close``.

    A port is not held open: the server that it is for binds it, again after each restart. What is held is
    a claim that every other ``PortPool`` on the machine respects: an abstract Unix socket named after the
    port, which the kernel takes away when this process ends, however it ends.
    """

    def __init__(self) -> None:
        self._claims: dict[int, socket.socket] = {}

    def take(self) -> int:
        """Claim one port. Raises ``NoFreePortError``."""
        ports = _candidates()
        start = random.randrange(len(ports))
        for offset in range(len(ports)):
            port = ports[(start + offset) % len(ports)]
            if self._claim(port):
                return port
        raise NoFreePortError(f"no free port from {ports.start} to {ports.stop - 1}")

    def _claim(self, port: int) -> bool:
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0salut-devkit-port-{port}")
        except OSError:
            claim.close()
            return False
        if not _is_free(port):
            claim.close()
            return False
        self._claims[port] = claim
        return True

    def close(self) -> None:
        """Give all ports back."""
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
