# SPDX-License-Identifier: AGPL-3.0-or-later
"""Roster: contacts, groups, subscriptions (RFC 6121 sections 2 and 3). Contract of the plugin ``roster``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.api.ports import Read
from salut.model.page import Page

Groups = list[str]
Subscription = Literal["none", "to", "from", "both"]


class Contact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Someone in the roster, or someone who asks to see the person's presence (``asks``)."""

    address: str
    name: str = ""
    groups: Groups = []
    subscription: Subscription = "none"
    pending: bool = False  # we asked, they have not answered
    asks: bool = False  # they asked, we have not answered
    in_roster: bool = True
    approved: bool = False
    note: str = ""  # what they wrote with their request


class RosterApi(Service):
    """Contacts."""

    service = "roster"

    @method()
    @abstractmethod
    async def list(
        self, *, profile: str, group: str | None = None, after: str | None = None, limit: int = 200
    ) -> Page[Contact]:
        """Contacts by address, and those who ask to become one. ``limit`` at most 1,000."""

    @method(scope="send", write=True)
    @abstractmethod
    async def add(
        self,
        *,
        profile: str,
        address: str,
        name: str = "",
        groups: Groups | None = None,
        subscribe: bool = True,
    ) -> Contact:
        """Put a contact into the roster and ask to see their presence.

        An empty ``name`` and absent ``groups`` leave those of a contact that is there already as they are.
        """

    @method(scope="send", write=True)
    @abstractmethod
    async def remove(self, *, profile: str, address: str) -> None:
        """Take a contact out of the roster; ends subscriptions both ways. History stays."""

    @method(scope="send", write=True)
    @abstractmethod
    async def change(
        self, *, profile: str, address: str, name: str | None = None, groups: Groups | None = None
    ) -> Contact:
        """Rename a contact or set its groups; absent fields stay."""

    @method(scope="send", write=True)
    @abstractmethod
    async def accept(self, *, profile: str, address: str) -> Contact:
        """Let them see our presence, and ask for theirs. ``not-found`` if they did not ask."""

    @method(scope="send", write=True)
    @abstractmethod
    async def deny(self, *, profile: str, address: str) -> None:
        """Refuse or withdraw their sight of our presence."""


class Roster(Protocol):
    """What other plugins use of the roster, in the daemon."""

    def is_contact(self, profile: str, bare: str) -> bool:
        """Whether this bare address is in the roster (those who merely ask are not)."""

    def names(self, read: Read, pid: int) -> list[tuple[str, str]]:
        """Address and name of each contact in the roster; for reader threads."""

    async def get(self, *, profile: str, address: str) -> Contact | None:
        """Someone in the roster, or who asks; ``None`` where they are neither."""

    async def add(
        self,
        *,
        profile: str,
        address: str,
        name: str = "",
        groups: Groups | None = None,
        subscribe: bool = True,
    ) -> Contact:
        """``RosterApi.add``."""

    async def accept(self, *, profile: str, address: str) -> Contact:
        """``RosterApi.accept``."""

    async def deny(self, *, profile: str, address: str) -> None:
        """``RosterApi.deny``."""


CONTRACT: Final = Contract(
    plugin="roster", services=(RosterApi,), kinds=(Kind("contact", Contact, "address"),)
)
