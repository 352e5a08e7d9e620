# SPDX-License-Identifier: AGPL-3.0-or-later
"""Personal eventing decides: whose event is believed, and that nothing is published which more may read."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.model.form import FALSE, TRUE
from salut.model.words import _
from salut.plugins.pep.api import Access, Event, EventHook, Item

if TYPE_CHECKING:
    from salut.plugins.pep.protocol import News, Page, PepProtocol

HEAD: Final = 4_096  # characters around a payload
MOST_ALL: Final = 10_000
SIZES: Final = (10_000, 1_000, 256)  # what to ask for where a server knows no ``max``
NOT_SO: Final = "conflict"  # XEP-0060 section 7.1.5: the node is configured otherwise
KNOWN: Final = ("persist_items", "access_model")  # options that every server checks (XEP-0223)
NO_NODE: Final = "item-not-found"
NO_VALUE: Final = frozenset({"not-acceptable", "bad-request", "not-allowed", "resource-constraint"})


def is_so(wanted: str, values: Sequence[str]) -> bool:
    """Whether an option of a node has the value that was asked for, in whichever way the server writes it."""
    if wanted == "max":
        return bool(values)
    if wanted in TRUE or wanted in FALSE:
        words = TRUE if wanted in TRUE else FALSE
        return bool(values) and values[0] in (*words, wanted)
    return list(values) == [wanted]


class PepService:
    """The port ``Pep``."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._hooks: dict[str, list[tuple[EventHook, bool]]] = {}
        self._made: dict[
            str, dict[str, Mapping[str, str]]
        ] = {}  # nodes made as they shall be, in this session
        self.protocol: PepProtocol

    # The port
    def follow(self, node: str, hook: EventHook, *, own: bool = False) -> None:
        """See ``Pep``."""
        self._hooks.setdefault(node, []).append((hook, own))
        self.protocol.announce(node)

    def supported(self, profile: str) -> bool:
        """See ``Pep``."""
        link = self._host.links.get(profile)
        return link is not None and self.protocol.supported(link)

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
        """See ``Pep``."""
        link = self._able(profile)
        room = self.protocol.room(link) - HEAD - len(node) - len(item)
        if len(payload.encode()) > room:
            raise SalutError(
                "too-large",
                _("That is larger than the server takes: {} of at most {} bytes.").format(
                    len(payload.encode()), room
                ),
                {"limit": room},
            )
        wanted = {"persist_items": "true", "access_model": access, **options}
        sizes = [str(most)] if most else ["max"] if self.protocol.unbounded(link) else list(map(str, SIZES))
        for size in sizes:
            try:
                return await self._publish(link, node, item, payload, wanted | {"max_items": size})
            except SalutError as error:
                if size == sizes[-1] or error.data.get("condition") not in NO_VALUE:
                    raise
        raise AssertionError("the last size returns or raises")

    async def items(
        self, profile: str, node: str, *, of: str = "", ids: Sequence[str] = (), most: int = 0
    ) -> list[Item]:
        """See ``Pep``."""
        link = self._host.link(profile)
        whose = addresses.bare(of) if of else ""
        try:
            if ids or most:
                page = await self.protocol.items(link, node, whose, ids, min(most, MOST_ALL))
                return page.items[-most:] if most else page.items
            return await self._all(link, node, whose)
        except SalutError as error:
            if error.data.get("condition") == NO_NODE:
                return []
            raise

    async def retract(self, profile: str, node: str, item: str) -> None:
        """See ``Pep``."""
        try:
            await self.protocol.retract(self._host.link(profile), node, item)
        except SalutError as error:
            if error.data.get("condition") != NO_NODE:
                raise

    # Steps of theirs
    def _able(self, profile: str) -> Link:
        link = self._host.link(profile)
        if not self.protocol.supported(link):
            raise SalutError(
                "unavailable",
                _("The server of {} keeps no personal data for its accounts (XEP-0163, XEP-0223).").format(
                    profile
                ),
                {"profile": profile},
            )
        return link

    async def _publish(
        self, link: Link, node: str, item: str, payload: str, options: Mapping[str, str]
    ) -> str:
        """The server publishes only where the node is as we want it; else it is made so, and asked once more.

        It may know only the oldest options (ejabberd): then the node is made as it shall be before the first
        item of each session, and what of it matters most, who may read, is still checked with each item.
        """
        made = self._made.setdefault(link.profile, {})
        core = {name: options[name] for name in KNOWN}
        if made.get(node) != options and options.keys() - {*KNOWN, "max_items"}:
            await self._make(link, node, options)  # prosody passes over options that it does not know
            made[node] = options
        try:
            asked = core if made.get(node) == options else options
            return await self.protocol.publish(link, node, item, payload, asked)
        except SalutError as error:
            condition = error.data.get("condition")
            if condition not in (NOT_SO, *NO_VALUE):
                raise
        made.pop(node, None)
        await self._make(link, node, options)
        made[node] = options
        return await self.protocol.publish(link, node, item, payload, core)

    async def _make(self, link: Link, node: str, options: Mapping[str, str]) -> None:
        """Give a node of ours its configuration, and see that it has it: servers pass over what they lack."""
        try:
            await self.protocol.configure(link, node, options)
        except SalutError as error:
            if error.data.get("condition") != NO_NODE:
                raise
            await self.protocol.create(link, node, options)
        found = await self.protocol.configuration(link, node)
        for name, value in options.items():
            if not is_so(value, found.get(name if "#" in name else f"pubsub#{name}", [])):
                raise SalutError(
                    "refused",
                    _("The server cannot keep this as it is wanted: it does not take {} = {}.").format(
                        name, value
                    ),
                    {"condition": "not-acceptable"},
                )

    async def _all(self, link: Link, node: str, of: str) -> list[Item]:
        """All items, page by page where the server pages; each once."""
        found: dict[str, Item] = {}
        mark = ""
        while True:
            page: Page = await self.protocol.items(link, node, of, after=mark)
            known = len(found)
            found.update((item.id, item) for item in page.items)
            complete = not page.last or page.last == mark or 0 <= page.count <= len(found)
            if complete or len(found) == known or len(found) >= MOST_ALL:
                return list(found.values())[:MOST_ALL]
            mark = page.last

    # The server
    def heard(self, profile: str, own: str, sender: str, news: News) -> list[Awaitable[object]]:
        """``sender`` tells of a node of theirs: what those who follow it must have stored."""
        waits: list[Awaitable[object]] = []
        event = Event(
            sender=sender, node=news.node, items=news.items, retracted=news.retracted, gone=news.gone
        )
        for hook, only_own in self._hooks.get(news.node, ()):
            if only_own and sender != own:
                self._host.log.warning(
                    "event of a private node from a stranger", sender=sender, node=news.node
                )
                continue
            wait = hook(profile, event)
            if wait is not None:
                waits.append(wait)
        return waits

    def forget(self, profile: str) -> None:
        """The session is over: what its server knows may have changed until the next."""
        self._made.pop(profile, None)
