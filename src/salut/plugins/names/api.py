# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names: what people type for whom they mean. Contract of the plugin ``names``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, Literal

import msgspec

from salut.api.contract import Contract, Service, method

NamedKind = Literal["contact", "room", "private", "address"]


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a text means. ``address``: somebody not known yet, by a whole address."""

    profile: str
    address: str
    kind: NamedKind
    title: str = ""


class NamesApi(Service):
    """Finding contacts, rooms and conversations by what people call them."""

    service = "names"

    @method()
    @abstractmethod
    async def resolve(self, *, text: str, profile: str | None = None) -> Named:
        """Whom ``text`` means, in one profile or in all that this window may know of.

        It is an address, the name of a contact or room, the part of an address before the @, or the beginning
        of one of these; case and accents do not matter. What fits whole goes before what only begins so.
        A text with @ is a whole address, never the beginning of one. ``ambiguous`` with
        ``data.candidates`` (50 at most; ``profile:address`` where they are of several profiles), ``not-found``.
        """

    @method()
    @abstractmethod
    async def complete(self, *, text: str, profile: str | None = None, limit: int = 50) -> list[str]:
        """Names and addresses that begin with ``text``, sorted. ``limit`` at most 200."""


CONTRACT: Final = Contract(plugin="names", services=(NamesApi,))
