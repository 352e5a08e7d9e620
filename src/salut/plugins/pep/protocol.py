# SPDX-License-Identifier: AGPL-3.0-or-later
"""Personal eventing between stanzas and structs (XEP-0163 version 1.2.2, XEP-0060 version 1.29, XEP-0223)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast
from xml.etree.ElementTree import Element

import msgspec
import structlog

from salut.engine.plugin import Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.pep.api import Item
from salut.xmpp import forms
from salut.xmpp.ask import ask
from salut.xmpp.decode import Inbound
from salut.xmpp.disco import Info
from salut.xmpp.router import Account, Via, Wires
from salut.xmpp.xmltext import attributes, escape

if TYPE_CHECKING:
    from salut.plugins.pep.service import PepService

PUBSUB: Final = "http://jabber.org/protocol/pubsub"
EVENT: Final = f"{PUBSUB}#event"
OWNER: Final = f"{PUBSUB}#owner"
OPTIONS: Final = f"{PUBSUB}#publish-options"
CONFIG: Final = f"{PUBSUB}#node_config"
NODE_MAX: Final = f"{PUBSUB}#config-node-max"
RSM: Final = "http://jabber.org/protocol/rsm"

MAX_NODE: Final = 1_023  # characters of a node's name
MAX_ID: Final = 3_071  # of an item's id: bookmarks and read marks have whole addresses there
MOST_NODES: Final = 20  # nodes that one event tells of
MOST_ITEMS: Final = 1_000  # items of one event, and of one page
MOST_ALL: Final = 10_000  # items of one node that are ever fetched


class News(msgspec.Struct, frozen=True):
    """What an event says of one node."""

    node: str
    items: tuple[Item, ...] = ()
    retracted: tuple[str, ...] = ()
    gone: bool = False


class Page(msgspec.Struct, frozen=True):
    """Some items of a node. ``last``: the mark after which the next page begins; empty where there is none."""

    items: list[Item]
    last: str = ""
    count: int = -1  # of all, where the server says


def read_event(element: Element) -> list[News] | None:
    """An ``<event/>`` (XEP-0060 sections 7.1.2, 7.2.2.1, 8.4.2, 8.5.2), bounded; the decoder of the hot road."""
    found: list[News] = []
    for child in element[:MOST_NODES]:
        space, _sep, name = child.tag[1:].partition("}")
        node = child.get("node", "")
        if space != EVENT or not node or len(node) > MAX_NODE:
            continue
        if name == "items":
            told = child[:MOST_ITEMS]
            items = [read_item(one) for one in told if one.tag == f"{{{EVENT}}}item"]
            gone = [one.get("id", "") for one in told if one.tag == f"{{{EVENT}}}retract"]
            retracted = tuple(key for key in gone if key and len(key) <= MAX_ID)
            found.append(News(node, tuple(item for item in items if item is not None), retracted))
        elif name in ("purge", "delete"):
            found.append(News(node, gone=True))
    return found or None


def read_item(element: Element) -> Item | None:
    """An ``<item/>``; ``None`` for one whose id is too long. It holds one payload or none (section 12.5)."""
    key = element.get("id", "")
    if len(key) > MAX_ID:
        return None
    return Item(key, next(iter(element), None), element.get("publisher", "")[:MAX_ID])


def read_page(iq: Element) -> Page:
    """The answer to a request for items (sections 6.5.2 and 6.5.4)."""
    found = iq.find(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}items")
    items = (
        read_item(one) for one in (found.findall(f"{{{PUBSUB}}}item") if found is not None else ())[:MOST_ALL]
    )
    rsm = iq.find(f"{{{PUBSUB}}}pubsub/{{{RSM}}}set")
    last = count = ""
    if rsm is not None:
        last = rsm.findtext(f"{{{RSM}}}last") or ""
        count = (rsm.findtext(f"{{{RSM}}}count") or "").strip()
    number = int(count) if count.isascii() and count.isdigit() and len(count) < 10 else -1
    return Page([item for item in items if item is not None], last if len(last) <= MAX_ID else "", number)


def fields(options: Mapping[str, str], form_type: str) -> str:
    """Node options as a form to submit; names may lack their ``pubsub#``."""
    named = {name if "#" in name else f"pubsub#{name}": [value] for name, value in options.items()}
    return forms.submit(named, form_type)


def supports(account: Info, server: Info) -> bool:
    """Whether the account's server has personal eventing that can be trusted with private data.

    The identity is the account's (XEP-0163 section 6), on old servers the server's; XEP-0223 asks for
    publish options.
    """
    identities = {(one.category, one.type) for one in (*account.identities, *server.identities)}
    return ("pubsub", "pep") in identities and OPTIONS in account.features | server.features


class PepProtocol:
    """Registers with the wires, and asks."""

    def __init__(self, wires: Wires, service: PepService, log: structlog.stdlib.BoundLogger) -> None:
        self._service = service
        self._log = log
        self._wires = wires
        wires.shared.decoders.add(f"{{{EVENT}}}event", "pubsub-event", read_event)
        wires.router.observe("pubsub-event", self._event)

    def announce(self, node: str) -> None:
        """Let servers know that we want a node's events (XEP-0163 section 4.3.3)."""
        self._wires.shared.disco.add_feature(f"{node}+notify")

    # In
    def _event(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        """An event counts when it comes itself, from a bare address: an event in a copy or an archive is old,
        and one from a resource is somebody's, an occupant's of a room perhaps, and no node's."""
        if via or inbound.type == "error":
            return None
        sender = inbound.from_.lower()
        try:
            parsed = addresses.parse(sender)
        except SalutError:
            parsed = None
        # What only means our address when it is prepared (RFC 7622: “a@b.”) our server did not write: not ours.
        disguised = parsed is not None and parsed.bare == account.bare and sender != account.bare
        if parsed is None or parsed.resource or disguised or inbound.type == "groupchat":
            self._log.warning("event that is no node's ignored", sender=inbound.from_, id=inbound.id)
            return None
        news = cast("list[News]", inbound.parts["pubsub-event"])
        waits = [
            wait
            for one in news
            for wait in self._service.heard(account.profile, account.bare, parsed.bare, one)
        ]
        return (waits[0] if len(waits) == 1 else asyncio.gather(*waits)) if waits else None

    # Out
    def supported(self, link: Link) -> bool:
        """See ``supports``."""
        features = cast("Account", link.session).session.features
        return supports(features.account, features.server)

    def unbounded(self, link: Link) -> bool:
        """Whether a node may be told to keep as many items as the server can (``max``)."""
        features = cast("Account", link.session).session.features
        return NODE_MAX in features.account.features | features.server.features

    def room(self, link: Link) -> int:
        """Characters that a stanza to the server may have."""
        return cast("Account", link.session).session.config.max_stanza

    async def publish(
        self, link: Link, node: str, item: str, payload: str, options: Mapping[str, str]
    ) -> str:
        """Publish with options (XEP-0060 section 7.1.5). Returns the item's id."""
        answer = await ask(
            cast("Account", link.session),
            "set",
            f"<pubsub xmlns='{PUBSUB}'><publish{attributes(node=node)}><item{attributes(id=item)}>{payload}"
            f"</item></publish><publish-options>{fields(options, OPTIONS)}</publish-options></pubsub>",
        )
        found = answer.find(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}publish/{{{PUBSUB}}}item")
        return (found.get("id", "") if found is not None else "")[:MAX_ID] or item

    async def create(self, link: Link, node: str, options: Mapping[str, str]) -> None:
        """Make a node of ours with this configuration (section 8.1.3)."""
        form = fields(options, CONFIG)
        inner = f"<create{attributes(node=node)}/><configure>{form}</configure>"
        await ask(cast("Account", link.session), "set", f"<pubsub xmlns='{PUBSUB}'>{inner}</pubsub>")

    async def configure(self, link: Link, node: str, options: Mapping[str, str]) -> None:
        """Change the configuration of a node of ours (section 8.2.4)."""
        form = fields(options, CONFIG)
        await ask(
            cast("Account", link.session),
            "set",
            f"<pubsub xmlns='{OWNER}'><configure{attributes(node=node)}>{form}</configure></pubsub>",
        )

    async def configuration(self, link: Link, node: str) -> dict[str, list[str]]:
        """The configuration of a node of ours (section 8.2.1)."""
        asked = f"<pubsub xmlns='{OWNER}'><configure{attributes(node=node)}/></pubsub>"
        answer = await ask(cast("Account", link.session), "get", asked)
        form = forms.find_form(answer.find(f"{{{OWNER}}}pubsub/{{{OWNER}}}configure"))
        return {field.name: field.values for field in form.fields} if form is not None else {}

    async def items(
        self, link: Link, node: str, of: str, ids: Sequence[str] = (), most: int = 0, after: str | None = None
    ) -> Page:
        """Items of a node (sections 6.5.1, 6.5.4, 6.5.7, 6.5.8); ``after`` asks for a page (XEP-0059)."""
        named = "".join(f"<item{attributes(id=key)}/>" for key in ids)
        newest = f" max_items='{most}'" if most else ""
        rsm = ""
        if after is not None:
            mark = f"<after>{escape(after)}</after>" if after else ""
            rsm = f"<set xmlns='{RSM}'><max>{MOST_ITEMS}</max>{mark}</set>"
        asked = f"<items{attributes(node=node)}{newest}>{named}</items>{rsm}"
        return read_page(
            await ask(cast("Account", link.session), "get", f"<pubsub xmlns='{PUBSUB}'>{asked}</pubsub>", of)
        )

    async def retract(self, link: Link, node: str, item: str) -> None:
        """Take an item away (section 7.2.1)."""
        inner = f"<retract{attributes(node=node)} notify='true'><item{attributes(id=item)}/></retract>"
        await ask(cast("Account", link.session), "set", f"<pubsub xmlns='{PUBSUB}'>{inner}</pubsub>")
