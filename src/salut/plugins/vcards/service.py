# SPDX-License-Identifier: AGPL-3.0-or-later
"""vCards decide: the newer form is asked first, both are written, and contacts may name themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element

import msgspec

from salut.api.ports import Read, Tx
from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid, not_found
from salut.model.words import _
from salut.plugins.pep.api import Access, Event, Pep
from salut.plugins.roster.api import Roster
from salut.plugins.vcards.api import Nickname, VCard, VCardChange, VCardsApi

if TYPE_CHECKING:
    from salut.plugins.vcards.protocol import VCardsProtocol

NODE: Final = "urn:xmpp:vcard4"
NICK: Final = "http://jabber.org/protocol/nick"
TEMP: Final = "vcard-temp"
V4: Final = "urn:ietf:params:xml:ns:vcard-4.0"
MAX_TEXT: Final = 1_000
MAX_NOTE: Final = 10_000
MOST: Final = 20


def check(change: VCardChange) -> None:
    """Raises ``too-large`` and ``invalid``."""
    for name, value in msgspec.structs.asdict(change).items():
        values: list[str] = value if isinstance(value, list) else [value or ""]
        limit = MAX_NOTE if name == "note" else MAX_TEXT
        if len(values) > MOST:
            words = _("“{}” takes at most {} entries.").format(name, MOST)
            raise SalutError("too-large", words, {"field": name, "limit": MOST})
        if any(len(one) > limit for one in values):
            words = _("“{}” has at most {} characters.").format(name, limit)
            raise SalutError("too-large", words, {"field": name, "limit": limit})
        if name != "note" and not all(one.isprintable() for one in values):
            raise invalid(name, _("“{}” is one line of text.").format(name))


class VCardsService(VCardsApi):
    """The contract's methods, and names for the roster (``Nicknames``)."""

    def __init__(self, host: Host, pep: Pep, protocol: VCardsProtocol) -> None:
        self._host = host
        self._pep = pep
        self._protocol = protocol
        self._roster = host.prefer("roster", Roster)  # type: ignore[type-abstract]  # the port's Protocol
        if self._roster is not None:
            self._roster.nicknames(self)
        pep.follow(NICK, self._event)

    # Windows
    async def get(self, *, profile: str, address: str = "") -> VCard:
        link, own = self._host.link(profile), self._own(profile)
        whom = addresses.normal(address) if address else own
        asked = "" if whom == own else whom
        newer = await self._newer(profile, whom, asked)
        older, refusal = None, None
        if newer is None or not _says(self._protocol.read(newer)):
            try:
                older = await self._protocol.fetch(link, asked)
            except SalutError as error:
                if error.code != "refused":
                    raise
                refusal = error
        for element in (newer, older):
            if element is not None and _says(found := self._protocol.read(element, whom)):
                return found
        if refusal is not None:
            raise refusal
        raise not_found(_("{} has no vCard.").format(whom))

    async def set(self, *, profile: str, change: VCardChange, public: bool = True) -> VCard:
        check(change)
        link, own = self._host.link(profile), self._own(profile)
        older = await self._protocol.fetch(link, "")
        newer = await self._newer(profile, own, "")
        first = newer if newer is not None and _says(self._protocol.read(newer)) else older
        base = self._protocol.read(first, own) if first is not None else VCard(address=own)
        values: dict[str, Any] = {
            name: value for name, value in msgspec.structs.asdict(change).items() if value is not None
        }
        new = msgspec.structs.replace(base, **values)
        await self._write(link, new, older, newer, "open" if public else "presence")
        if new.nickname != base.nickname:
            await self._pep.publish(profile, NICK, self._protocol.nick(new.nickname), access="presence")
            await self._host.journal.commit(profile, lambda tx: put(tx, own, new.nickname))
        return new

    async def _write(
        self, link: Link, new: VCard, older: Element | None, newer: Element | None, access: Access
    ) -> None:
        """The old form first: a server that makes the new one of it (prosody) does so before we publish ours."""
        await self._protocol.store(link, self._protocol.changed(older, new, TEMP))
        if self._pep.supported(link.profile):
            text = self._protocol.changed(newer, new, V4)
            await self._pep.publish(link.profile, NODE, text, access=access)

    async def nicknames(self, *, profile: str) -> list[Nickname]:
        pid = self._host.pid(profile)
        found = await self._host.readers.read(lambda read: self.nicks(read, pid))
        return [Nickname(address=address, nick=nick) for address, nick in sorted(found.items())]

    def _own(self, profile: str) -> str:
        return addresses.bare(self._host.address(profile))

    async def _newer(self, profile: str, whom: str, asked: str) -> Element | None:
        """The vCard4; ``None`` where there is none, or none for us: the old form may be there for everybody."""
        if addresses.parse(whom).resource:
            return None  # nodes are of bare addresses; an occupant's is behind their room
        try:
            items = await self._pep.items(profile, NODE, of=asked, most=1)
        except SalutError as error:
            if error.code != "refused":
                raise
            return None
        return self._protocol.element(items[-1].payload) if items else None

    # The roster (``Nicknames``)
    def nick(self, read: Read, pid: int, address: str) -> str:
        """See ``Nicknames``."""
        row = read.one("SELECT nick FROM nickname WHERE pid=? AND address=?", (pid, address))
        return str(row[0]) if row is not None else ""

    def nicks(self, read: Read, pid: int) -> dict[str, str]:
        """See ``Nicknames``."""
        rows = read.all("SELECT address, nick FROM nickname WHERE pid=?", (pid,))
        return {str(address): str(nick) for address, nick in rows}

    # The server
    async def _event(self, profile: str, event: Event) -> None:
        """Somebody says how they want to be called; of strangers nothing is kept."""
        contact = self._roster is not None and self._roster.is_contact(profile, event.sender)
        if not contact and event.sender != self._own(profile):
            return
        nick = self._protocol.read_nick(event.items[-1].payload) if event.items else ""

        def work(tx: Tx) -> None:
            if put(tx, event.sender, nick) and self._roster is not None:
                self._roster.retitle(tx, event.sender)

        await self._host.journal.commit(profile, work, patient=True)


def put(tx: Tx, address: str, nick: str) -> bool:
    """Keep a nickname, or forget it where it is empty. Whether that changed anything."""
    row = tx.one("SELECT nick FROM nickname WHERE pid=? AND address=?", (tx.pid, address))
    if (str(row[0]) if row is not None else "") == nick:
        return False
    rev = tx.change("nickname", address, Nickname(address=address, nick=nick) if nick else None)
    tx.execute("DELETE FROM nickname WHERE pid=? AND address=?", (tx.pid, address))
    if nick:
        tx.execute(
            "INSERT INTO nickname (pid, address, nick, rev) VALUES (?,?,?,?)", (tx.pid, address, nick, rev)
        )
    return True


def _says(card: VCard) -> bool:
    """Whether there is anything in it that we could show."""
    return any(value for name, value in msgspec.structs.asdict(card).items() if name != "address")
