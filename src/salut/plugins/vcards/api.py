# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people say of themselves: vCards (XEP-0054, XEP-0292) and nicknames (XEP-0172).

Contract of the plugin ``vcards``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import msgspec

from salut.api.contract import Contract, Kind, Service, method

Texts = list[str]


class VCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody says of themselves. None of it is verified. Texts have at most 1,000 characters, ``note``
    10,000; lists at most 20 entries."""

    address: str
    fn: str = ""  # the full name
    given: str = ""
    family: str = ""
    nickname: str = ""
    bday: str = ""  # as written; 1998-05-17 by the book
    org: str = ""
    title: str = ""
    role: str = ""
    note: str = ""
    street: str = ""
    locality: str = ""
    region: str = ""
    code: str = ""
    country: str = ""
    url: Texts = []
    email: Texts = []
    tel: Texts = []


class VCardChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to change of one's own vCard: absent fields stay, empty ones are removed."""

    fn: str | None = None
    given: str | None = None
    family: str | None = None
    nickname: str | None = None
    bday: str | None = None
    org: str | None = None
    title: str | None = None
    role: str | None = None
    note: str | None = None
    street: str | None = None
    locality: str | None = None
    region: str | None = None
    code: str | None = None
    country: str | None = None
    url: Texts | None = None
    email: Texts | None = None
    tel: Texts | None = None


class Nickname(msgspec.Struct, frozen=True, kw_only=True):
    """What a contact, or the profile itself, wants to be called."""

    address: str
    nick: str


class VCardsApi(Service):
    """What people say of themselves."""

    service = "vcards"

    @method()
    @abstractmethod
    async def get(self, *, profile: str, address: str = "") -> VCard:
        """The vCard of somebody, asked for now; without address the profile's own.

        ``not-found`` where there is none, ``refused`` where we may not see it; ``not-connected``, ``timeout``.
        """

    @method(scope="send", write=True)
    @abstractmethod
    async def set(self, *, profile: str, change: VCardChange, public: bool = True) -> VCard:
        """Change one's own vCard, in both forms that clients read; what it holds besides stays as it is.

        ``public``: everybody may read it, else contacts alone (servers give the old form to everybody). A new
        ``nickname`` is told to contacts at once.
        """

    @method()
    @abstractmethod
    async def nicknames(self, *, profile: str) -> list[Nickname]:
        """What contacts call themselves, as far as they told."""


CONTRACT: Final = Contract(
    plugin="vcards", services=(VCardsApi,), kinds=(Kind("nickname", Nickname, "address"),)
)
