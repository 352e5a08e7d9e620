# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is known to one profile, in memory: what is asked for each message. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Verdict = Literal["known", "take", "again", "enough", "refused"]
MOST_WAITING: Final = 500
"""Strangers who wait; of more the oldest leave the list (their conversations stay)."""
MOST_COUNTED: Final = 100
"""Messages of a stranger that are counted: a flood shall not cost more than one of a contact."""


@dataclass(slots=True)
class Waiting:
    """A stranger who waits: how many messages were counted, and which (hashes of ids, which may be long)."""

    count: int = 0
    ids: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Memory:
    """``known``: written to, or accepted. Contacts are the roster's to know, rooms those of the plugin for rooms."""

    known: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    waiting: dict[str, Waiting] = field(default_factory=dict)

    def verdict(self, address: str, key: str) -> Verdict:
        """What becomes of a message with the id ``key`` from somebody who is no contact. ``again``: it was counted
        already, live or from the archive, but may not be stored yet."""
        if address in self.known:
            return "known"
        if address in self.refused:
            return "refused"
        entry = self.waiting.get(address)
        if entry is None:
            entry = self.waiting[address] = Waiting()
            if len(self.waiting) > MOST_WAITING:
                del self.waiting[next(iter(self.waiting))]
        if key and hash(key) in entry.ids:
            return "again"
        if entry.count >= MOST_COUNTED:
            return "enough"
        entry.count += 1
        if key:
            entry.ids.add(hash(key))
        return "take"

    def accept(self, address: str) -> bool:
        """They are known from now on; false: they were."""
        if address in self.known:
            return False
        self.known.add(address)
        self.refused.discard(address)
        self.waiting.pop(address, None)
        return True

    def refuse(self, address: str) -> None:
        """Nothing more from them."""
        self.known.discard(address)
        self.waiting.pop(address, None)
        self.refused.add(address)
