# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bookmarks in the daemon: what one says, what is known of it, and what two lists of them make of it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from salut.plugins.bookmarks.api import Bookmark
from salut.plugins.preferences.api import ConversationSetting, Notify

NATIVE: Final = 1  # the items of XEP-0402
LEGACY: Final = 2  # the one list of XEP-0048


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a bookmark says. ``element``: as others wrote it, without the password; empty where nobody did. What
    stands here goes before what stands there."""

    address: str
    name: str = ""
    nick: str = ""
    autojoin: bool = False
    password: str = ""
    pinned: bool = False  # XEP-0469
    notify: Notify = "default"  # XEP-0492
    muted_until: int = 0
    element: str = ""

    @property
    def shown(self) -> Bookmark:
        """As windows see it."""
        return Bookmark(address=self.address, name=self.name, nick=self.nick, autojoin=self.autojoin)

    @property
    def wishes(self) -> ConversationSetting:
        """For ``preferences``."""
        return ConversationSetting(
            address=self.address, pinned=self.pinned, notify=self.notify, muted_until=self.muted_until
        )

    def with_wishes(self, wished: ConversationSetting) -> Mark:
        """The same bookmark, with these."""
        return msgspec.structs.replace(
            self, pinned=wished.pinned, notify=wished.notify, muted_until=wished.muted_until
        )

    def with_words(self, other: Mark) -> Mark:
        """What ``other`` says, in this one's element: the old format knows no more."""
        return msgspec.structs.replace(
            self,
            name=other.name,
            nick=other.nick,
            autojoin=other.autojoin,
            password=other.password or self.password,
        )


@dataclass(slots=True)
class Entry:
    """A bookmark as it is known. ``there``: which lists of the server had it last (``NATIVE`` and ``LEGACY``, added
    up); ``due``: which of them do not know yet what is here. ``removed``: it is to go from those. ``version``: grows
    with each change made here."""

    mark: Mark
    there: int = 0
    due: int = 0
    removed: bool = False
    version: int = 0


class Lists(msgspec.Struct, frozen=True):
    """What the server has. ``kept``: which lists it keeps for us; ``None``: this one was not asked for."""

    kept: int
    native: Mapping[str, Mark] | None = None
    legacy: Mapping[str, Mark] | None = None


def merge(known: Mapping[str, Entry], lists: Lists) -> dict[str, Entry]:
    """What the server's lists make of what is known. What is absent from the result was removed and is forgotten.

    What this device changed and has not told goes first. Else what differs from what is known is another
    device's doing; where both lists differ from it, the newer format counts.
    """
    merged = {}
    for address in dict.fromkeys([*known, *(lists.native or ()), *(lists.legacy or ())]):
        entry = _merge(address, known.get(address), lists)
        if entry is not None:
            merged[address] = entry
    return merged


def _merge(address: str, old: Entry | None, lists: Lists) -> Entry | None:
    native = (lists.native or {}).get(address)
    legacy = (lists.legacy or {}).get(address)
    there = _bit(NATIVE, lists.native, native, old) | _bit(LEGACY, lists.legacy, legacy, old)
    if old is None:
        mark = native or legacy
        assert mark is not None
        differs = legacy is not None and words(legacy) != words(mark)
        return Entry(mark, there, (lists.kept & ~there) | (LEGACY if differs else 0))
    if old.due & (NATIVE if lists.kept & NATIVE else LEGACY):
        element = native.element if native is not None else old.mark.element
        due = old.due & there if old.removed else old.due
        ours = Entry(msgspec.structs.replace(old.mark, element=element), there, due, old.removed, old.version)
        return ours if due else None
    stale = bool(old.due & LEGACY)  # that list is to be rewritten: what it says is not news
    if old.removed and native is not None:
        return _merge(address, None, lists)  # made again by another device
    if old.removed:
        return Entry(old.mark, there, there & LEGACY, removed=True) if there & LEGACY else None
    if old.there & ~there & ~(LEGACY if stale else 0):
        return Entry(old.mark, there, there, removed=True) if there else None
    mark = native or old.mark
    if legacy is not None and not stale and words(mark) == words(old.mark):
        mark = mark.with_words(legacy)
    return Entry(mark, there, _due(old, mark, native, legacy, there, lists), version=old.version)


def _bit(bit: int, asked: object | None, found: Mark | None, old: Entry | None) -> int:
    if asked is None:
        return old.there & bit if old is not None else 0
    return bit if found is not None else 0


def _due(old: Entry, mark: Mark, native: Mark | None, legacy: Mark | None, there: int, lists: Lists) -> int:
    due = lists.kept & ~there
    if mark != (native or old.mark):
        due |= NATIVE
    in_legacy = words(legacy) if legacy is not None and lists.legacy is not None else words(old.mark)
    if words(mark) != in_legacy or (old.due & LEGACY and legacy is None):
        due |= LEGACY
    return due & lists.kept


def words(mark: Mark) -> tuple[str, str, bool]:
    """What both formats say alike."""
    return mark.name, mark.nick, mark.autojoin
