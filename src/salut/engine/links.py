# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the engine asks of a connection to a server, without knowing XMPP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from salut.model.link import LinkState


@dataclass(frozen=True)
class LinkConfig:
    """All that a link needs to know of a profile. The password shows in no repr."""

    profile: str
    address: str
    password: str = field(repr=False)
    resource: str = ""
    host: str = ""
    port: int = 0
    direct_tls: bool = False
    ca_file: str = ""
    pins: tuple[str, ...] = ()
    plaintext: bool = False  # without TLS, to a loopback host only (benches)


@dataclass(frozen=True)
class LinkHooks:
    """What a link tells, in the loop."""

    on_state: Callable[[LinkState], None]
    on_session: Callable[[bool], None]  # a session began; True: the server kept the old one


class LinkControl(Protocol):
    """A profile's connection, with reconnecting."""

    @property
    def session(self) -> object:
        """What plugins' protocol.py get to see."""

    def start(self) -> None:
        """Go online and stay so."""

    def retry_now(self) -> None:
        """Do not wait for the next try."""

    def reconfigure(self, config: LinkConfig) -> None:
        """Use these values from now on; a running attempt starts anew."""

    async def stop(self) -> None:
        """Go offline and stay so; ends an attempt at once."""


LinkMaker = Callable[[LinkConfig, LinkHooks], LinkControl]
