# SPDX-License-Identifier: AGPL-3.0-or-later
"""What fits a text that a person typed; without I/O."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from salut.model import address as addresses
from salut.model.errors import SalutError, not_found
from salut.model.words import _
from salut.plugins.names.api import Named, NamedKind

MOST_CANDIDATES: Final = 50
RANK: Final[dict[NamedKind, int]] = {"room": 3, "private": 2, "contact": 1, "address": 0}


class Known(msgspec.Struct, frozen=True):
    """Somebody or some room that a profile knows."""

    profile: str
    address: str
    kind: NamedKind
    title: str = ""

    def named(self) -> Named:
        """As the contract has it."""
        return Named(profile=self.profile, address=self.address, kind=self.kind, title=self.title)


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    """A text without what does not matter: case, accents, width, spaces around it."""
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def merged(found: Iterable[Known]) -> list[Known]:
    """Each address of a profile once: what says more of its kind, with the first title that there is."""
    known: dict[tuple[str, str], Known] = {}
    for one in found:
        mark = (one.profile, one.address)
        old = known.get(mark)
        if old is not None:
            kind = max(old.kind, one.kind, key=lambda kind: RANK[kind])
            one = Known(one.profile, one.address, kind, old.title or one.title)
        known[mark] = one
    return list(known.values())


def local_part(address: str) -> str:
    """What stands before the @; empty for an address within a room."""
    return "" if "/" in address else address.partition("@")[0] if "@" in address else ""


def whole(known: Sequence[Known], text: str) -> list[Known]:
    """Whom ``text`` names whole: by address, else by name or the part before the @.

    What looks like an address is only an address: a room whose owner called it so is not meant.
    """
    sought = plain(text)
    by_address = [one for one in known if plain(one.address) == sought]
    if by_address or "@" in text or not sought:
        return by_address
    return [one for one in known if sought in (plain(one.title), plain(local_part(one.address)))]


def beginning(known: Sequence[Known], text: str) -> list[Known]:
    """Whose name or address begins with ``text``."""
    sought = plain(text)
    if not sought:
        return []
    return [
        one for one in known if plain(one.address).startswith(sought) or plain(one.title).startswith(sought)
    ]


def resolve(known: Sequence[Known], profiles: Sequence[str], text: str) -> Named:
    """Whom ``text`` means; see ``NamesApi.resolve``."""
    found = whole(known, text)
    if not found:
        found = _literal(known, profiles, text) if "@" in text else beginning(known, text)
    if not found:
        raise not_found(
            _("Nobody is known as “{}”. Give a whole address (name@server), or see: jp contacts list").format(
                text[:80]
            )
        )
    if len(found) > 1:
        raise SalutError(
            "ambiguous",
            _("“{}” fits several; say more of it, or name the profile.").format(text[:80]),
            {"candidates": candidates(found)},
        )
    return found[0].named()


def _literal(known: Sequence[Known], profiles: Sequence[str], text: str) -> list[Known]:
    """A whole address that nobody bears yet: who knows its bare address, or all profiles."""
    parsed = addresses.parse(text)
    same = [one for one in known if one.address == parsed.bare]
    if not same:
        return [Known(profile, str(parsed), "address") for profile in profiles]
    return [
        Known(one.profile, str(parsed), "private" if one.kind == "room" and parsed.resource else one.kind)
        for one in same
    ]


def candidates(found: Sequence[Known]) -> list[str]:
    """What an ambiguous text may mean, for people to choose from."""
    several = len({one.profile for one in found}) > 1
    return sorted(f"{one.profile}:{one.address}" if several else one.address for one in found)[
        :MOST_CANDIDATES
    ]


def complete(known: Sequence[Known], text: str, limit: int) -> list[str]:
    """Names and addresses that begin with ``text``."""
    sought = plain(text)
    words = {word for one in known for word in (one.address, one.title) if word}
    return sorted(word for word in words if plain(word).startswith(sought))[:limit]
