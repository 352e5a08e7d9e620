# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is reachable with what, in memory and within bounds; without I/O."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from salut.plugins.presence.api import Presence, Show

MOST_RESOURCES: Final = 32
"""Of one address; the one that said nothing for longest goes first."""
MOST_STRANGERS: Final = 500
"""Addresses that are in nobody's roster; the one that came first goes first, so none pushes out a contact."""
MOST_ADDRESSES: Final = 20_000
MAX_TEXT: Final = 1000
RANK: Final[dict[Show, int]] = {"chat": 5, "online": 4, "dnd": 3, "away": 2, "xa": 1, "offline": 0}


class Heard(msgspec.Struct, frozen=True):
    """What one resource said last."""

    show: Show = "online"
    status: str = ""
    priority: int = 0


class Crowd:
    """The reachable resources of one profile's contacts."""

    def __init__(self) -> None:
        self._known: dict[str, OrderedDict[str, Heard]] = {}
        self._strangers: OrderedDict[str, None] = OrderedDict()

    def heard(self, bare: str, resource: str, said: Heard, stranger: bool) -> list[str]:
        """A resource is available. Addresses whose presence may show otherwise now."""
        changed = [bare]
        resources = self._known.get(bare)
        if resources is None:
            if len(self._known) >= MOST_ADDRESSES:
                return []
            resources = self._known[bare] = OrderedDict()
            if stranger:
                self._strangers[bare] = None
                changed += self._crowded()
        resources[resource] = said
        resources.move_to_end(resource)
        if len(resources) > MOST_RESOURCES:
            resources.popitem(last=False)
        return changed

    def _crowded(self) -> list[str]:
        if len(self._strangers) <= MOST_STRANGERS:
            return []
        oldest, _ = self._strangers.popitem(last=False)
        self._known.pop(oldest, None)
        return [oldest]

    def gone(self, bare: str, resource: str) -> list[str]:
        """A resource (all of them, where none is named) is unavailable."""
        resources = self._known.get(bare)
        if resources is None:
            return []
        if resource:
            resources.pop(resource, None)
        if not resource or not resources:
            del self._known[bare]
            self._strangers.pop(bare, None)
        return [bare]

    def best(self, bare: str) -> Presence | None:
        """What is shown of an address: its resource of the highest priority, then the most willing one."""
        resources = self._known.get(bare)
        if not resources:
            return None
        # max takes the first of equals: reversed, so that the newest word counts
        best = max(reversed(resources.values()), key=lambda said: (said.priority, RANK[said.show]))
        return Presence(address=bare, show=best.show, status=best.status, resources=len(resources))

    def all(self) -> list[Presence]:
        """Everybody reachable, by address."""
        found = (self.best(bare) for bare in sorted(self._known))
        return [presence for presence in found if presence is not None]
