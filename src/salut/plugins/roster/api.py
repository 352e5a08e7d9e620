# SPDX-License-Identifier: AGPL-3.0-or-later
"""Roster: contacts, groups, subscriptions (RFC 6121 sections 2 and 3). Contract of the plugin ``roster``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.api.ports import Read, Tx
from salut.model.page import Page

Groups = list[str]
Addresses = list[str]
Subscription = Literal["none", "to", "from", "both"]
What = Literal["accepted", "refused", "left"]


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


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody asks to see the person's presence. ``name``: what they say they are called, or the contact's name."""

    address: str
    name: str = ""
    note: str = ""  # what they wrote with it
    at: int = 0  # when it came first


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What a contact did about a subscription, until the person has seen it.

    They accepted our request (``accepted``), refused it or took their consent back (``refused``), or no longer want
    to see our presence (``left``).
    """

    address: str
    what: What
    text: str  # the same in words
    at: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group of contacts. ``path``: the names of those around it and its own (XEP-0083)."""

    name: str
    path: Groups
    contacts: int


class GroupList(msgspec.Struct, frozen=True, kw_only=True):
    """All groups by name, and what divides nested names; empty: nothing does."""

    delimiter: str
    items: list[Group]


class RosterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings."""

    delimiter: Annotated[
        str,
        msgspec.Meta(
            max_length=20,
            description="What divides the names of nested groups where the account has no delimiter; empty: nothing",
        ),
    ] = "::"


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
    async def refuse(self, *, profile: str, address: str) -> None:
        """Refuse or withdraw their sight of our presence."""

    @method(scope="send", write=True)
    @abstractmethod
    async def approve(self, *, profile: str, address: str) -> Contact:
        """Let them see our presence as soon as they ask (RFC 6121 section 3.4), or at once where they have asked.

        ``unavailable`` where the server cannot do that. Not every server says in its roster that it did
        (``approved``).
        """

    @method()
    @abstractmethod
    async def requests(self, *, profile: str, after: str | None = None, limit: int = 200) -> Page[Request]:
        """Who asks to see our presence, by address. ``limit`` at most 1,000."""

    @method(scope="send", write=True)
    @abstractmethod
    async def dismiss(self, *, profile: str, address: str) -> None:
        """The person has seen what a contact did about a subscription (kind ``subscription``)."""

    @method()
    @abstractmethod
    async def groups(self, *, profile: str) -> GroupList:
        """All groups."""

    @method(scope="send", write=True)
    @abstractmethod
    async def rename_group(self, *, profile: str, group: str, name: str) -> GroupList:
        """Rename a group, with all groups nested in it, for all its contacts; an empty name takes them out of it.

        Where the server refuses one of them, those before it stay moved, and the error says how many.
        """

    @method(scope="send", write=True)
    @abstractmethod
    async def set_delimiter(self, *, profile: str, delimiter: str) -> GroupList:
        """Store on the server what divides the names of nested groups (XEP-0083). Names stay as they are; a single
        letter or digit means that nothing is nested."""


class Nicknames(Protocol):
    """What contacts call themselves (XEP-0172); for the writer's thread and for readers."""

    def nick(self, read: Read, pid: int, address: str) -> str:
        """The nickname of one, the profile's own too; empty where there is none."""

    def nicks(self, read: Read, pid: int) -> dict[str, str]:
        """All of them, by address."""


class Roster(Protocol):
    """What other plugins use of the roster, in the daemon."""

    def is_contact(self, profile: str, bare: str) -> bool:
        """Whether this bare address is in the roster (those who merely ask are not)."""

    def names(self, read: Read, pid: int) -> list[tuple[str, str]]:
        """Address and name of each contact in the roster; for reader threads."""

    def nicknames(self, source: Nicknames) -> None:
        """Where names come from for contacts to whom the roster gives none."""

    def retitle(self, tx: Tx, address: str) -> None:
        """The nickname of ``address`` changed: the conversation is called accordingly, inside this unit of work."""

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

    async def refuse(self, *, profile: str, address: str) -> None:
        """``RosterApi.refuse``."""

    def ignore(self, check: Callable[[str, str], bool]) -> None:
        """``check(profile, bare)`` true: requests of theirs to see our presence are not even kept."""

    def on_contacts(self, hook: Callable[[str, Addresses], object]) -> None:
        """``hook(profile, addresses)`` hears of those that came into the roster or changed in it."""


CONTRACT: Final = Contract(
    plugin="roster",
    services=(RosterApi,),
    kinds=(
        Kind("contact", Contact, "address"),
        Kind("request", Request, "address", snapshot=True),
        Kind("subscription", News, "address", snapshot=True),
    ),
    settings=RosterSettings,
)
