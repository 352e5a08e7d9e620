# SPDX-License-Identifier: AGPL-3.0-or-later
"""The roster between stanzas and structs (RFC 6121 sections 2 and 3, nicknames of XEP-0172)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, cast
from xml.etree.ElementTree import Element

from salut.engine.plugin import Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.roster.api import Subscription
from salut.plugins.roster.groups import MAX_DELIMITER
from salut.plugins.roster.ledger import MAX_GROUPS, MAX_NAME, Push, RosterItem, Whole
from salut.xmpp.errors import BusyError, OfflineError, StanzaError
from salut.xmpp.iqs import Request, from_own_account
from salut.xmpp.router import Account, Wires
from salut.xmpp.xmltext import attributes, escape

if TYPE_CHECKING:
    from slixmpp.stanza import Presence as Stanza

    from salut.plugins.roster.service import RosterService

ROSTER: Final = "jabber:iq:roster"
VERSIONING: Final = "{urn:xmpp:features:rosterver}ver"
APPROVAL: Final = "{urn:xmpp:features:pre-approval}sub"
PRIVATE: Final = "jabber:iq:private"
DELIMITER: Final = "roster:delimiter"
CLIENT: Final = "jabber:client"
NICK_SPACE: Final = "http://jabber.org/protocol/nick"
NICK: Final = f"{{{NICK_SPACE}}}nick"
SUBSCRIPTIONS: Final[dict[str, Subscription]] = {"to": "to", "from": "from", "both": "both"}
MAX_NOTE: Final = 1000
MAX_VERSION: Final = 1000
MOST_ITEMS: Final = 20_000

Word = Literal["subscribe", "subscribed", "unsubscribe", "unsubscribed"]


def read_item(element: Element) -> RosterItem | None:
    """An ``<item/>``, bounded; ``None`` for one without a usable address."""
    try:
        address = addresses.bare(element.get("jid", ""))
    except SalutError:
        return None
    groups = {(group.text or "")[:MAX_NAME] for group in element.findall(f"{{{ROSTER}}}group")} - {""}
    word = element.get("subscription", "none")
    return RosterItem(
        address=address,
        name=element.get("name", "")[:MAX_NAME],
        groups=tuple(sorted(groups)[:MAX_GROUPS]),
        subscription=SUBSCRIPTIONS.get(word, "none"),
        pending=element.get("ask") == "subscribe",
        approved=element.get("approved") in ("true", "1"),
        removed=word == "remove",
    )


def read_version(query: Element) -> str:
    """The roster's version; one that is too long is none."""
    ver = query.get("ver", "")
    return ver if len(ver) <= MAX_VERSION else ""


def read_whole(query: Element) -> Whole:
    """An answer to the request for the roster; an address that comes twice counts as it came last."""
    found = (read_item(element) for element in query.findall(f"{{{ROSTER}}}item")[:MOST_ITEMS])
    items = {item.address: item for item in found if item is not None and not item.removed}
    return Whole(list(items.values()), read_version(query))


def read_push(request: Request) -> Push:
    """A roster push. Raises ``StanzaError`` for one that is not from our own account or not well-made.

    RFC 6121 section 2.1.6: only a push without sender, or from our own bare address, is the server's.
    """
    if not from_own_account(request):
        raise StanzaError("service-unavailable")
    children = request.payload.findall(f"{{{ROSTER}}}item")
    item = read_item(children[0]) if len(children) == 1 else None
    if item is None:
        raise StanzaError("bad-request", "a roster push has one item", "modify")
    return Push(item, read_version(request.payload))


class RosterProtocol:
    """Registers with the wires, and writes stanzas."""

    def __init__(self, wires: Wires, service: RosterService) -> None:
        self._service = service
        self._accounts: dict[str, Account] = {}
        wires.shared.iqs.add("set", f"{{{ROSTER}}}query", self._push)

    def wire(self, link: Link) -> None:
        """Listen to a session."""
        account = self._accounts[link.profile] = cast("Account", link.session)

        def came(stanza: Stanza) -> None:
            self.subscription(account.profile, account.bare, stanza.xml)

        account.session.client.add_event_handler("changed_subscription", came)

    def unwire(self, profile: str) -> None:
        """The session is gone."""
        self._accounts.pop(profile, None)

    # In
    def _push(self, request: Request) -> None:
        push = read_push(request)
        for account in self._accounts.values():
            if account.session.jid == request.own:
                self._service.mirror.pushed(account.profile, push)
                return  # answered at once: a push that is not stored comes again with the next roster
        raise StanzaError("service-unavailable")

    def subscription(self, profile: str, own: str, element: Element) -> None:
        """A presence stanza about subscriptions. What is in force the server says by roster pushes."""
        kind = element.get("type")
        if kind not in ("subscribe", "unsubscribe", "subscribed", "unsubscribed"):
            return
        try:
            sender = addresses.bare(element.get("from", ""))
        except SalutError:
            return
        if sender == own:
            return
        if kind == "subscribe":
            note = element.findtext(f"{{{CLIENT}}}status") or ""
            nick = element.findtext(NICK) or ""
            self._service.requested(profile, sender, note[:MAX_NOTE], nick.strip()[:MAX_NAME])
        elif kind == "unsubscribe":
            self._service.withdrawn(profile, sender)
        else:
            self._service.told(profile, sender, "accepted" if kind == "subscribed" else "refused")

    # Out
    async def fetch(self, link: Link, ver: str) -> Whole | None:
        """The roster; ``None`` where it is still the one of version ``ver`` (RFC 6121 section 2.6)."""
        session = cast("Account", link.session).session
        versions = VERSIONING in session.features.stream
        asked = f"<query xmlns='{ROSTER}'" + (f" ver='{escape(ver)}'" if versions else "") + "/>"
        query = (await _iq(link, "get", asked)).find(f"{{{ROSTER}}}query")
        return read_whole(query) if query is not None else None

    async def set(self, link: Link, address: str, name: str, groups: list[str]) -> None:
        """Put an item into the roster."""
        inner = "".join(f"<group>{escape(group)}</group>" for group in groups)
        item = f"<item{attributes(jid=address, name=name)}>{inner}</item>"
        await _iq(link, "set", f"<query xmlns='{ROSTER}'>{item}</query>")

    async def remove(self, link: Link, address: str) -> None:
        """Take an item out; one that is not there is taken out already."""
        item = f"<item{attributes(jid=address)} subscription='remove'/>"
        try:
            await _iq(link, "set", f"<query xmlns='{ROSTER}'>{item}</query>")
        except SalutError as error:
            if error.data.get("condition") != "item-not-found":
                raise

    def approves(self, link: Link) -> bool:
        """Whether the server lets us accept those who have not asked yet (RFC 6121 section 3.4)."""
        return APPROVAL in cast("Account", link.session).session.features.stream

    async def delimiter(self, link: Link) -> str:
        """What divides names of nested groups (XEP-0083); empty: the account has none."""
        answer = await _iq(link, "get", f"<query xmlns='{PRIVATE}'><roster xmlns='{DELIMITER}'/></query>")
        found = answer.findtext(f"{{{PRIVATE}}}query/{{{DELIMITER}}}roster") or ""
        return found if len(found) <= MAX_DELIMITER and found.isprintable() else ""

    async def set_delimiter(self, link: Link, delimiter: str) -> None:
        """Store it in the account's private data (XEP-0049)."""
        inner = f"<roster xmlns='{DELIMITER}'>{escape(delimiter)}</roster>"
        await _iq(link, "set", f"<query xmlns='{PRIVATE}'>{inner}</query>")

    def tell(self, link: Link, address: str, word: Word, nick: str = "") -> None:
        """Send a presence stanza about subscriptions, with our nickname (XEP-0172 section 4.1) where there is one.
        ``not-connected``."""
        inner = f"<nick xmlns='{NICK_SPACE}'>{escape(nick)}</nick>" if nick else ""
        text = f"<presence to='{escape(address)}' type='{word}'>{inner}</presence>"
        try:
            cast("Account", link.session).session.send(text)
        except (OfflineError, BusyError) as error:
            raise SalutError("not-connected", str(error)) from None


async def _iq(link: Link, kind: Literal["get", "set"], payload: str) -> Element:
    try:
        return await cast("Account", link.session).session.iq(kind, payload)
    except StanzaError as error:
        if error.condition == "not-connected":
            raise SalutError("not-connected", str(error), {"profile": link.profile}) from None
        if error.condition == "remote-server-timeout":
            raise SalutError("timeout", _("The server did not answer in time. Try again.")) from None
        raise SalutError(
            "refused",
            _("The server refused: {}").format(error.text or error.condition),
            {"condition": error.condition},
        ) from None
