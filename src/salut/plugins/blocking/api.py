# SPDX-License-Identifier: AGPL-3.0-or-later
"""Blocking of addresses and domains (XEP-0191), reports of spam and abuse (XEP-0377). Contract of the plugin
``blocking``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable
from typing import Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.page import Page

Report = Literal["", "spam", "abuse"]
MessageIds = list[int]


class Blocked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address or a domain from which nothing is taken.

    XEP-0191 section 5: ``name@server`` blocks all its devices, a domain also everybody on it (not on its
    subdomains), ``name@server/device`` and ``room@server/nick`` that one alone. ``local``: the server does not know
    of it, and this daemon alone refuses: they still see the person's presence if they may. ``report``: what the
    server was told that it is.
    """

    address: str
    local: bool = False
    report: Report = ""
    at: int = 0  # 0: blocked elsewhere, before this daemon saw it


class BlockingSupport(msgspec.Struct, frozen=True, kw_only=True):
    """What the profile's server can do: keep the list (XEP-0191), take reports (XEP-0377)."""

    server: bool
    reports: bool


class BlockingApi(Service):
    """Blocking."""

    service = "blocking"

    @method()
    @abstractmethod
    async def list(self, *, profile: str, after: str | None = None, limit: int = 200) -> Page[Blocked]:
        """What is blocked, by address. ``limit`` at most 1,000."""

    @method()
    @abstractmethod
    async def support(self, *, profile: str) -> BlockingSupport:
        """What the server can do. ``not-connected``."""

    @method(scope="send", write=True)
    @abstractmethod
    async def block(
        self,
        *,
        profile: str,
        address: str,
        report: Report = "",
        reason: str = "",
        messages: MessageIds | None = None,
    ) -> Blocked:
        """Take nothing more from an address or a domain, on all devices where the server can do that.

        Without a link, or where the server cannot, it is ``local`` at first; the next session that can tells the
        server. ``report`` tells the server's operator too, with ``reason`` (1,000 characters) and ``messages``
        (ids, at most 20; by default the newest ten of theirs that the server has); the answer's ``report`` is empty
        where the server takes none.
        """

    @method(scope="send", write=True)
    @abstractmethod
    async def unblock(self, *, profile: str, address: str) -> None:
        """Take from them again. ``not-found`` where the address itself is not in the list."""


class Blocking(Protocol):
    """What other plugins use of blocking, in the daemon."""

    def is_blocked(self, profile: str, address: str) -> bool:
        """Whether nothing is taken from this address, itself or by its domain."""

    def block(
        self,
        *,
        profile: str,
        address: str,
        report: Report = "",
        reason: str = "",
        messages: MessageIds | None = None,
    ) -> Awaitable[Blocked]:
        """See ``BlockingApi``."""


CONTRACT: Final = Contract(
    plugin="blocking", services=(BlockingApi,), kinds=(Kind("blocked", Blocked, "address", snapshot=True),)
)
