# SPDX-License-Identifier: AGPL-3.0-or-later
"""Personal eventing (XEP-0163): nodes of our own account and what contacts publish. No services of its own.

The ground on which bookmarks, read marks, pictures and names are built.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract

Access = Literal["open", "presence", "roster", "whitelist", "authorize"]  # XEP-0060 section 4.5


class Item(msgspec.Struct, frozen=True):
    """One item of a node. ``payload`` is an ``xml.etree.ElementTree.Element`` for a ``protocol.py``, or none."""

    id: str
    payload: object | None = None
    publisher: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a node's owner tells. ``gone``: the node was deleted or purged. Items and ids are bounded already.

    Servers tell the last item with each session, and ejabberd tells our own devices everything twice
    and of retractions nobody: what must be right is read anew (``items``) with each session."""

    sender: str  # bare address of the account whose node it is
    node: str
    items: Sequence[Item] = ()
    retracted: Sequence[str] = ()
    gone: bool = False


EventHook = Callable[[str, Event], Awaitable[object] | None]


class Pep(Protocol):
    """What other plugins use of personal eventing, in the daemon. Only ``protocol.py`` files look into payloads."""

    def follow(self, node: str, hook: EventHook, *, own: bool = False) -> None:
        """Announce ``node+notify`` and call ``hook(profile, event)`` for each event of that node; what it returns
        is waited for before the stanza is acknowledged. ``own``: only events of the profile's own account, all
        others are refused and logged; else contacts' too (believed only as their own). Call before the first
        session."""

    def supported(self, profile: str) -> bool:
        """Whether the profile's server has personal eventing, with publish options."""

    async def publish(
        self,
        profile: str,
        node: str,
        payload: str,
        *,
        item: str = "current",
        access: Access = "presence",
        most: int = 1,
        options: Mapping[str, str] = {},
    ) -> str:
        """Publish an item on a node of ours, which keeps ``most`` items (0: as many as the server can), readable by
        ``access``. Returns the item's id.

        The node is made, or configured anew, where it is not so already: nothing is published before (XEP-0060
        section 7.1.5; ``options`` are more ``pubsub#`` fields). ``not-connected``, ``refused``; ``unavailable``
        where ``supported`` is false, ``too-large`` for what fits no stanza.
        """

    async def items(
        self, profile: str, node: str, *, of: str = "", ids: Sequence[str] = (), most: int = 0
    ) -> list[Item]:
        """Items of a node of ours, or of ``of``'s: those of ``ids``, else the newest ``most`` (0: all, 10,000 at
        most), newest last where the server says. Empty where there is no such node; ``refused`` where we may
        not read it."""

    async def retract(self, profile: str, node: str, item: str) -> None:
        """Take an item away, and tell so. No error where it is not there."""


CONTRACT: Final = Contract(plugin="pep")
