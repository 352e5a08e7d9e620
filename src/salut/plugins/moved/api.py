# SPDX-License-Identifier: AGPL-3.0-or-later
"""Contacts who move to another account, and our own moving (XEP-0283). Contract of the plugin ``moved``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import msgspec

from salut.api.contract import Contract, Kind, Service, method


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """The contact ``old`` has moved to ``address``: the old account says so itself. Gone when it is dealt with."""

    address: str
    old: str
    at: int


class MovedApi(Service):
    """Moving from account to account."""

    service = "moved"

    @method()
    @abstractmethod
    async def list(self, *, profile: str) -> list[Move]:
        """Contacts that have moved and wait for the person's word, newest first."""

    @method(scope="send", write=True)
    @abstractmethod
    async def accept(self, *, profile: str, address: str) -> Move:
        """Go along: the new address gets the old one's name, groups and sight of our presence; the old one, which
        may belong to somebody else one day, no longer sees it. ``not-found``."""

    @method(scope="send", write=True)
    @abstractmethod
    async def dismiss(self, *, profile: str, address: str) -> None:
        """Forget the move; what the new address asked stays to be answered as any stranger's. ``not-found``."""

    @method(scope="admin", write=True)
    @abstractmethod
    async def move(self, *, profile: str, to: str) -> str:
        """Move the account of ``profile`` to that of the profile ``to``; both must be online.

        The old account states it, for contacts to look it up; then, as a job whose id is returned, all its
        contacts are put into the new roster and asked from there. The old account must be kept until they have
        followed. ``unavailable`` where its server cannot publish the statement.
        """

    @method(scope="admin", write=True)
    @abstractmethod
    async def stay(self, *, profile: str) -> None:
        """Take the statement back: the account has not moved."""


CONTRACT: Final = Contract(
    plugin="moved", services=(MovedApi,), kinds=(Kind("move", Move, "new address", snapshot=True),)
)
