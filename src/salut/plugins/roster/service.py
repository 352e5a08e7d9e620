# SPDX-License-Identifier: AGPL-3.0-or-later
"""The roster decides: the server's word counts; what we ask of it is done when it says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from salut.api.ports import Read, Tx
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid, not_found
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.history.api import History
from salut.plugins.roster import bringing, ledger, requests
from salut.plugins.roster.api import Contact, GroupList, Groups, Nicknames, Request, RosterApi, What
from salut.plugins.roster.grouping import Grouping
from salut.plugins.roster.ledger import MAX_GROUPS, MAX_NAME, Ledger
from salut.plugins.roster.mirror import PUSH_SECONDS, Mirror

if TYPE_CHECKING:
    from salut.plugins.roster.protocol import RosterProtocol

MAX_PAGE: Final = 1000
MOST_WRITING: Final = 500
"""What others say of subscriptions and is not stored yet; of more nothing is kept: servers repeat requests."""
SEEN: Final = ("to", "both")  # we see them
SHOWN: Final = ("from", "both")  # they see us


class RosterService(RosterApi):
    """The contract's methods, and the port ``Roster``."""

    def __init__(self, host: Host) -> None:
        self._host = host
        history = host.prefer("history", History)  # type: ignore[type-abstract]  # the port's Protocol
        self._history = history
        self._nicknames: Nicknames | None = None
        self._ledger = Ledger(self.retitle)
        if history is not None:
            history.titles(self._title)
        self.mirror = Mirror(host, self._ledger)
        self.grouping = Grouping(host, self._regroup)
        self._ignored: list[Callable[[str, str], bool]] = []
        self._writing = 0
        self._flooded = False  # said once of each flood
        self.protocol: RosterProtocol

    # Other plugins (the port)
    def is_contact(self, profile: str, bare: str) -> bool:
        """See ``Roster``."""
        return self.mirror.is_contact(profile, bare)

    def names(self, read: Read, pid: int) -> list[tuple[str, str]]:
        """See ``Roster``."""
        found = ledger.names(read, pid)
        if self._nicknames is None:
            return found
        nicks = self._nicknames.nicks(read, pid)
        return [(address, name or nicks.get(address, "")) for address, name in found]

    def nicknames(self, source: Nicknames) -> None:
        """See ``Roster``."""
        self._nicknames = source

    def retitle(self, tx: Tx, address: str) -> None:
        """See ``Roster``."""
        if self._history is not None:
            self._history.title(tx, address, self._title(tx, address))

    def _title(self, tx: Tx, address: str) -> str:
        """The name that the person gave, else the one a contact has chosen; never what a stranger says of
        themselves."""
        contact = ledger.get(tx, tx.pid, address)
        if contact is None or not contact.in_roster:
            return ""
        return contact.name or (
            self._nicknames.nick(tx, tx.pid, address) if self._nicknames is not None else ""
        )

    async def load(self, profile: str, contacts: Sequence[Contact]) -> int:
        """Put contacts of an import into the server's roster, without asking for subscriptions.

        Needs a link; the account's own address is left out. Returns how many were new or changed.
        """
        own = addresses.bare(self._host.link(profile).address)
        done = 0
        for contact in contacts:
            bare = addresses.bare(contact.address)
            old = await self._get(profile, bare)
            fresh = bringing.wanted(old, contact) if bare != own else None
            if fresh is not None:
                await self._set(profile, bare, old if old is not None and old.in_roster else None, *fresh)
                done += 1
        return done

    async def get(self, *, profile: str, address: str) -> Contact | None:
        """See ``Roster``."""
        return await self._get(profile, addresses.bare(address))

    def ignore(self, check: Callable[[str, str], bool]) -> None:
        """See ``Roster``."""
        self._ignored.append(check)

    def on_contacts(self, hook: Callable[[str, Groups], object]) -> None:
        """See ``Roster``."""
        self.mirror.hooks.append(hook)

    # Windows
    async def list(
        self, *, profile: str, group: str | None = None, after: str | None = None, limit: int = 200
    ) -> Page[Contact]:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        pid, size = self._host.pid(profile), min(limit, MAX_PAGE)
        found = await self._host.readers.read(
            lambda read: ledger.page(read, pid, group, after or "", size + 1)
        )
        items = found[:size]
        return Page(items=items, after=items[-1].address if len(found) > size else None)

    async def add(
        self,
        *,
        profile: str,
        address: str,
        name: str = "",
        groups: Groups | None = None,
        subscribe: bool = True,
    ) -> Contact:
        bare = self._other(profile, address)
        old = await self._get(profile, bare)
        known = old if old is not None and old.in_roster else None
        await self._set(profile, bare, known, name or None, groups)
        if subscribe:
            await self._subscribe(profile, bare)
        return await self._result(profile, bare)

    async def change(
        self, *, profile: str, address: str, name: str | None = None, groups: Groups | None = None
    ) -> Contact:
        bare = self._other(profile, address)
        old = await self._existing(profile, bare)
        if not old.in_roster:
            raise _unknown(bare)
        await self._set(profile, bare, old, name, groups)
        return await self._result(profile, bare)

    async def remove(self, *, profile: str, address: str) -> None:
        bare = self._other(profile, address)
        old = await self._existing(profile, bare)
        if not old.in_roster:
            await self.refuse(profile=profile, address=bare)
            return
        link = self._host.link(profile)
        await self.mirror.done(profile, bare, lambda c: c is None, lambda: self.protocol.remove(link, bare))
        await self._host.journal.commit(profile, lambda tx: self._ledger.drop(tx, bare))

    async def accept(self, *, profile: str, address: str) -> Contact:
        bare = self._other(profile, address)
        old = await self._existing(profile, bare)
        if not old.asks and old.subscription not in SHOWN:
            raise not_found(_("{} has not asked to see your presence.").format(bare))
        link = self._host.link(profile)
        if not old.in_roster:
            await self._set(profile, bare, None, old.name, None)
        if old.asks:
            await self.mirror.done(
                profile,
                bare,
                lambda c: c is not None and c.subscription in SHOWN,
                lambda: self.protocol.tell(link, bare, "subscribed"),
            )
            await self._host.journal.commit(profile, lambda tx: self._ledger.answered(tx, bare))
        await self._subscribe(profile, bare)
        return await self._result(profile, bare)

    async def refuse(self, *, profile: str, address: str) -> None:
        bare = self._other(profile, address)
        old = await self._existing(profile, bare)
        shown = old.subscription in SHOWN
        if not old.asks and not shown:
            raise not_found(_("{} does not see your presence and has not asked to.").format(bare))
        link = self._host.link(profile)
        await self.mirror.done(
            profile,
            bare,
            lambda c: c is None or c.subscription not in SHOWN,
            lambda: self.protocol.tell(link, bare, "unsubscribed"),
            seconds=PUSH_SECONDS if shown else 0,
        )
        await self._host.journal.commit(profile, lambda tx: self._ledger.answered(tx, bare))

    async def approve(self, *, profile: str, address: str) -> Contact:
        bare = self._other(profile, address)
        old = await self._get(profile, bare)
        if old is not None and old.asks:
            return await self.accept(profile=profile, address=bare)
        if old is not None and (old.approved or old.subscription in SHOWN):
            return old
        link = self._host.link(profile)
        if not self.protocol.approves(link):
            words = _("Your server cannot approve in advance. Accept {} when they ask.").format(bare)
            raise SalutError("unavailable", words)
        await self._set(profile, bare, old, None, None)
        await self.mirror.done(
            profile,
            bare,
            lambda c: c is not None,  # whatever it says: prosody 0.12 does it and does not name it
            lambda: self.protocol.tell(link, bare, "subscribed"),
        )
        return await self._result(profile, bare)

    async def requests(self, *, profile: str, after: str | None = None, limit: int = 200) -> Page[Request]:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        pid, size = self._host.pid(profile), min(limit, MAX_PAGE)
        found = await self._host.readers.read(lambda read: requests.page(read, pid, after or "", size + 1))
        items = found[:size]
        return Page(items=items, after=items[-1].address if len(found) > size else None)

    async def dismiss(self, *, profile: str, address: str) -> None:
        bare = addresses.bare(address)
        await self._host.journal.commit(profile, lambda tx: requests.seen(tx, bare))

    async def groups(self, *, profile: str) -> GroupList:
        return await self.grouping.list(profile)

    async def rename_group(self, *, profile: str, group: str, name: str) -> GroupList:
        if name:
            check("", [name])
        return await self.grouping.rename(profile, group, name)

    async def set_delimiter(self, *, profile: str, delimiter: str) -> GroupList:
        return await self.grouping.set_delimiter(profile, delimiter)

    # Steps of theirs
    async def _regroup(self, profile: str, contact: Contact, groups: Groups) -> None:
        await self._set(profile, contact.address, contact, None, groups)

    def _other(self, profile: str, address: str) -> str:
        bare = addresses.bare(address)
        link = self._host.link(profile)
        if bare == addresses.bare(link.address):
            raise invalid("address", _("{} is this profile's own address.").format(bare))
        return bare

    async def _get(self, profile: str, bare: str) -> Contact | None:
        pid = self._host.pid(profile)
        return await self._host.readers.read(lambda read: ledger.get(read, pid, bare))

    async def _existing(self, profile: str, bare: str) -> Contact:
        contact = await self._get(profile, bare)
        if contact is None:
            raise _unknown(bare)
        return contact

    async def _result(self, profile: str, bare: str) -> Contact:
        """What is in force, read behind all that was written, so that the reply's ``seq`` covers it."""
        contact = await self._host.journal.commit(profile, lambda tx: ledger.get(tx, tx.pid, bare))
        if contact is None:
            raise _unknown(bare)
        return contact

    async def _set(
        self, profile: str, bare: str, old: Contact | None, name: str | None, groups: Groups | None
    ) -> None:
        """Give an item its name and groups; absent ones stay as they are in ``old``."""
        check(name or "", groups or [])
        wanted = (
            name if name is not None else old.name if old is not None else "",
            sorted(set(groups)) if groups is not None else old.groups if old is not None else [],
        )
        if old is not None and (old.name, old.groups) == wanted:
            return

        def same(contact: Contact | None) -> bool:
            return contact is not None and contact.in_roster and (contact.name, contact.groups) == wanted

        link = self._host.link(profile)
        await self.mirror.done(profile, bare, same, lambda: self.protocol.set(link, bare, *wanted))

    async def _subscribe(self, profile: str, bare: str) -> None:
        contact = await self._get(profile, bare)
        if contact is not None and (contact.pending or contact.subscription in SEEN):
            return
        nick = await self._own_nick(profile)
        link = self._host.link(profile)
        await self.mirror.done(
            profile,
            bare,
            lambda c: c is not None and (c.pending or c.subscription in SEEN),
            lambda: self.protocol.tell(link, bare, "subscribe", nick),
        )

    async def _own_nick(self, profile: str) -> str:
        source = self._nicknames
        if source is None:
            return ""
        own, pid = addresses.bare(self._host.address(profile)), self._host.pid(profile)
        return await self._host.readers.read(lambda read: source.nick(read, pid, own))

    # The server
    def requested(self, profile: str, bare: str, note: str, nick: str) -> None:
        """``bare`` asks to see our presence."""
        if not any(check(profile, bare) for check in self._ignored):
            self._later(profile, bare, lambda tx: self._ledger.requested(tx, bare, note, nick))

    def withdrawn(self, profile: str, bare: str) -> None:
        """``bare`` asks no longer, or wants to see our presence no longer."""

        def work(tx: Tx) -> None:
            self._ledger.answered(tx, bare)
            self._ledger.told(tx, bare, "left")

        self._later(profile, bare, work)

    def told(self, profile: str, bare: str, what: What) -> None:
        """``bare`` answered a request of ours, or took the answer back."""
        self._later(profile, bare, lambda tx: self._ledger.told(tx, bare, what))

    def _later(self, profile: str, bare: str, work: Callable[[Tx], None]) -> None:
        if self._writing >= MOST_WRITING:
            if not self._flooded:
                self._host.log.warning("too much about subscriptions at once", profile=profile, sender=bare)
            self._flooded = True
            return
        self._writing += 1
        self._host.owner.spawn(self._write(profile, work), f"request of {bare}")

    async def _write(self, profile: str, work: Callable[[Tx], None]) -> None:
        try:
            await self._host.journal.commit(profile, work, patient=True)
        finally:
            self._writing -= 1
            self._flooded = self._flooded and self._writing > 0


def check(name: str, groups: Groups) -> None:
    """Raises ``too-large`` and ``invalid``."""
    if len(name) > MAX_NAME or any(len(group) > MAX_NAME for group in groups):
        raise SalutError(
            "too-large",
            _("Names of contacts and groups have at most {} characters.").format(MAX_NAME),
            {"field": "name" if len(name) > MAX_NAME else "groups", "limit": MAX_NAME},
        )
    if len(groups) > MAX_GROUPS:
        raise SalutError(
            "too-large",
            _("A contact is in at most {} groups.").format(MAX_GROUPS),
            {"field": "groups", "limit": MAX_GROUPS},
        )
    if not name.isprintable() or not all(group.strip() and group.isprintable() for group in groups):
        raise invalid("groups", _("Names of contacts and groups are one line of text, groups never empty."))


def _unknown(bare: str) -> SalutError:
    return not_found(_("{} is not in the roster. See it: jp contacts list").format(bare))
