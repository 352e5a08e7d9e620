# SPDX-License-Identifier: AGPL-3.0-or-later
"""Blocking decides: the server keeps the list where it can; whatever it lets through, we do not take."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from salut.api.ports import Tx
from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid, not_found
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.blocking import store
from salut.plugins.blocking.api import Blocked, BlockingApi, BlockingSupport, MessageIds, Report
from salut.plugins.blocking.matching import covers
from salut.plugins.history.api import HistoryApi, Message, NewMessage

if TYPE_CHECKING:
    from salut.plugins.blocking.protocol import BlockingProtocol

MAX_PAGE: Final = 1000
MAX_REASON: Final = 1000
MOST_REPORTED: Final = 20  # messages that a report may name
REPORTED: Final = 10  # messages that it names by itself
Addresses = list[str]
Messages = list[Message]
LOOKED_AT: Final = 100  # newest messages among which these are looked for


class BlockingService(BlockingApi):
    """The contract's methods, and the port ``Blocking``."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._history = host.prefer("history", HistoryApi)  # type: ignore[type-abstract]  # its contract
        self._sets: dict[str, frozenset[str]] = {}
        self._fetched: set[str] = set()
        self.protocol: BlockingProtocol

    # Other plugins
    def is_blocked(self, profile: str, address: str) -> bool:
        """See ``Blocking``."""
        blocked = self._sets.get(profile)
        return covers(blocked, address) if blocked else False

    def takes(self, profile: str, message: NewMessage) -> bool:
        """The second line: not even what the server lets through. Asked for each message."""
        blocked = self._sets.get(profile)
        return not blocked or message.outgoing or not covers(blocked, message.sender)

    def sending(self, profile: str, address: str) -> None:
        """A window writes to ``address``; ``refused`` where that is blocked."""
        if self.is_blocked(profile, address):
            words = _("You have blocked {0}. To write to them: jp unblock {0}")
            raise SalutError("refused", words.format(address), {"condition": "not-acceptable"})

    # Windows
    async def list(self, *, profile: str, after: str | None = None, limit: int = 200) -> Page[Blocked]:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        pid, size = self._host.pid(profile), min(limit, MAX_PAGE)
        found = await self._host.readers.read(lambda read: store.page(read, pid, after or "", size + 1))
        items = found[:size]
        return Page(items=items, after=items[-1].address if len(found) > size else None)

    async def support(self, *, profile: str) -> BlockingSupport:
        found = self.protocol.support(self._host.link(profile))
        return found or BlockingSupport(server=False, reports=False)

    async def block(
        self,
        *,
        profile: str,
        address: str,
        report: Report = "",
        reason: str = "",
        messages: MessageIds | None = None,
    ) -> Blocked:
        target = self._target(profile, address)
        self._check_report(report, reason, messages)
        link = self._able(profile)
        told: Report = ""
        if link is not None:
            support = self.protocol.support(link)
            told = report if support is not None and support.reports else ""
            ids = await self._archived(profile, target, messages) if told else []
            inner = self.protocol.report(link, told, reason, ids) if told else ""
            await self.protocol.block(link, [target], inner)
        new = Blocked(address=target, local=link is None, report=told, at=moment.now())

        def work(tx: Tx) -> tuple[Blocked, frozenset[str]]:
            there = store.addresses(tx, tx.pid)
            if target not in there and len(there) >= store.MOST:
                words = _("{} addresses are blocked already; unblock some first.")
                raise SalutError("too-large", words.format(store.MOST), {"limit": store.MOST})
            store.put(tx, new)
            return new, store.addresses(tx, tx.pid)

        shown, self._sets[profile] = await self._host.journal.commit(profile, work)
        return shown

    def _target(self, profile: str, address: str) -> str:
        target = addresses.normal(address)
        own = addresses.bare(self._host.address(profile))
        if target.partition("/")[0] == own:
            raise invalid("address", _("{} is this profile's own address.").format(target))
        if target == own.rpartition("@")[2]:
            words = _("{} is your own server: blocking it would cut you off. Block people on it one by one.")
            raise invalid("address", words.format(target))
        return target

    def _check_report(self, report: Report, reason: str, messages: MessageIds | None) -> None:
        if not report and (reason or messages):
            raise invalid("report", _("A reason and messages belong to a report: say spam or abuse."))
        if len(reason) > MAX_REASON or len(messages or ()) > MOST_REPORTED:
            raise SalutError(
                "too-large",
                _("A report has at most {} characters and {} messages.").format(MAX_REASON, MOST_REPORTED),
                {"field": "reason" if len(reason) > MAX_REASON else "messages"},
            )

    def _able(self, profile: str) -> Link | None:
        """The link of a server that keeps the list; ``None``: there is none now."""
        if not self._host.is_online(profile):
            self._host.pid(profile)  # not-found, where there is no such profile
            return None
        link = self._host.link(profile)
        support = self.protocol.support(link)
        return link if support is not None and support.server else None

    async def _archived(self, profile: str, target: str, messages: MessageIds | None) -> Addresses:
        """Archive ids of what is reported (XEP-0377 section 5)."""
        if self._history is None:
            return []
        found: Messages = []
        if messages is not None:
            found = [await self._history.get(profile=profile, message=key) for key in messages]
            if not all(covers({target}, message.sender) for message in found):
                raise invalid("messages", _("Only messages of {} can be reported with it.").format(target))
        elif "@" in target:
            conversation = target.partition("/")[0]
            page = await self._history.page(profile=profile, conversation=conversation, limit=LOOKED_AT)
            found = [m for m in page.items if not m.outgoing and m.archive][-REPORTED:]
        return [message.archive for message in found if message.archive and message.kind != "groupchat"]

    async def unblock(self, *, profile: str, address: str) -> None:
        target = addresses.normal(address)
        pid = self._host.pid(profile)
        known = await self._host.readers.read(lambda read: store.get(read, pid, target))
        if known is None:
            raise not_found(_("{} is not blocked. What is: jp block --list").format(target))
        if not known.local:
            await self.protocol.unblock(self._host.link(profile), target)
        await self._keep(profile, lambda tx: store.removed(tx, [target]), patient=False)

    # The server
    async def load(self) -> None:
        """At start: what is blocked stays so before any session stands."""
        for profile, pid in self._host.journal.journals.pids.items():
            self._sets[profile] = await self._host.readers.read(partial(store.addresses, pid=pid))

    async def begin(self, profile: str, resumed: bool) -> None:
        """A session stands: the server's list counts; what only we block it is told."""
        if resumed and profile in self._fetched:
            return
        self._fetched.discard(profile)
        link = self._host.link(profile)
        support = self.protocol.support(link)
        if support is None:
            return
        if not support.server:
            await self._keep(profile, store.all_local)
            return
        try:
            found = await self.protocol.fetch(link)
            await self._keep(profile, lambda tx: store.whole(tx, found))
            self._fetched.add(profile)
            await self._tell(link)
        except SalutError as error:
            self._host.log.warning("the block list was not exchanged", profile=profile, problem=error.message)

    async def _tell(self, link: Link) -> None:
        pid = link.pid
        known = await self._host.readers.read(lambda read: store.everything(read, pid))
        mine = [each.address for each in known if each.local]
        if mine:
            await self.protocol.block(link, mine)
            await self._keep(link.profile, lambda tx: store.added(tx, mine, moment.now()))

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        self._sets.pop(profile, None)
        self._fetched.discard(profile)

    def pushed(self, profile: str, found: Addresses) -> None:
        """Another device of ours blocked these."""
        self._later(profile, lambda tx: store.added(tx, found, moment.now()))

    def withdrawn(self, profile: str, found: Addresses | None) -> None:
        """Another device of ours unblocked these; ``None``: all."""
        self._later(profile, lambda tx: store.removed(tx, found))

    def _later(self, profile: str, work: Callable[[Tx], frozenset[str]]) -> None:
        self._host.owner.spawn(self._keep(profile, work), f"block list of {profile}")

    async def _keep(
        self, profile: str, work: Callable[[Tx], frozenset[str]], *, patient: bool = True
    ) -> None:
        self._sets[profile] = await self._host.journal.commit(profile, work, patient=patient)
