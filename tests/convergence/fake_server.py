# SPDX-License-Identifier: AGPL-3.0-or-later
"""A server at the seam of links: no network, but real stanzas, decoded and routed as from a real one.

It keeps what was not stored and brings it again (as XEP-0198 does), so that a killed daemon loses nothing.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from random import Random
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree as ET

from salut.engine.links import LinkConfig, LinkControl, LinkHooks
from salut.model.errors import SalutError
from salut.model.link import LinkState
from salut.model.owner import TaskOwner
from salut.xmpp.disco import Info
from salut.xmpp.errors import OfflineError, StanzaError
from salut.xmpp.iqs import Request
from salut.xmpp.router import Account, Via, Wires

DOMAIN = "fake.example"
ROSTER = "jabber:iq:roster"
CARBONS = "urn:xmpp:carbons:2"


class Features:
    """What the fake server can do."""

    server = Info(features=frozenset({CARBONS}))
    account = Info()
    stream: frozenset[str] = frozenset()


class Client:
    """Where slixmpp's stanza handlers hang."""

    def __init__(self) -> None:
        self.handlers: dict[str, list[Callable[[Any], object]]] = {}

    def add_event_handler(self, name: str, handler: Callable[[Any], object]) -> None:
        self.handlers.setdefault(name, []).append(handler)

    def told(self, name: str, element: ET.Element) -> None:
        """Call the handlers of an event with what they use of a stanza."""
        for handler in self.handlers.get(name, ()):
            handler(SimpleNamespace(xml=element))


class FakeSession:
    """What a ``protocol.py`` uses of ``salut.xmpp.Session``."""

    def __init__(self, server: FakeServer, link: FakeLink) -> None:
        self.features = Features()
        self.client = Client()
        self.resumed = False
        self.serial = 0
        self._server = server
        self._link = link

    @property
    def jid(self) -> str:
        return f"{self._link.config.address}/salut"

    def send(self, xml: str, *, track: str | None = None) -> None:
        if not self._link.online:
            raise OfflineError("offline")
        self._server.sent(self._link, xml, track)

    async def iq(self, kind: str, payload: str, to: str = "", timeout: float = 30.0) -> ET.Element:
        if not self._link.online:
            raise StanzaError("not-connected")
        if CARBONS in str(payload):
            return ET.Element("{jabber:client}iq")
        if f"'{ROSTER}'" in payload:
            return self._server.roster(self._link, kind, payload)
        raise StanzaError("feature-not-implemented")

    async def disco_info(self, to: str, node: str = "", timeout: float = 10.0) -> Info:
        raise StanzaError("item-not-found")

    def announce(self, show: str = "", status: str = "") -> None:
        if not self._link.online:
            raise OfflineError("offline")


class FakeLink:
    """``LinkControl``: goes online at once, falls and comes back when the test says so."""

    def __init__(self, server: FakeServer, config: LinkConfig, hooks: LinkHooks, wires: Wires) -> None:
        self.config = config
        self.hooks = hooks
        self.wires = wires
        self.wanted = False
        self.online = False
        self.dead = False  # its daemon was killed
        self.unacked: list[str] = []
        self._server = server
        self._account = Account(config.profile, config.address, cast("Any", FakeSession(server, self)))

    @property
    def session(self) -> object:
        return self._account

    @property
    def account(self) -> Account:
        return self._account

    def start(self) -> None:
        self.wanted = True
        self.hooks.on_state(LinkState(state="connecting", endpoint="fake:5222"))
        asyncio.get_running_loop().call_soon(self.up, False)

    def up(self, resumed: bool) -> None:
        """A session stands."""
        if self.online or not self.wanted or self.dead:
            return
        self.online = True
        session = cast("FakeSession", self._account.session)
        session.resumed = resumed = resumed and session.serial > 0
        if not resumed:
            session.serial += 1
            lost, self.unacked = self.unacked, []
            if lost:
                self.wires.router.lost(self._account, lost)
        self.hooks.on_state(LinkState(state="online", endpoint="fake:5222"))
        self.hooks.on_session(resumed)
        self._server.came_online(self)

    def down(self, reason: str) -> None:
        """The connection broke."""
        if self.online and not self.dead:
            self.online = False
            self.hooks.on_state(LinkState(state="retrying", reason=reason, code="timeout", attempt=1))

    def retry_now(self) -> None:
        self.up(False)

    def reconfigure(self, config: LinkConfig) -> None:
        self.config = config

    async def stop(self) -> None:
        self.wanted = False
        await asyncio.sleep(0)
        if self.online and not self.dead:
            self.online = False
            self.hooks.on_state(LinkState())


class FakeServer:
    """All accounts. ``expected[address]``: bodies by archive id that the daemon has stored."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.links: dict[str, FakeLink] = {}
        self.waiting: dict[str, dict[str, str]] = {}  # address -> archive id -> stanza, not yet stored
        self.stored: dict[str, set[str]] = {}  # address -> archive ids
        self.rosters: dict[str, dict[str, str]] = {}  # account -> contact -> item
        self.faults: list[str] = []
        self.owner = TaskOwner(lambda name, error: self.faults.append(f"{name}: {error!r}"))
        self._count = 0

    def make_link(self, wires: Wires) -> Any:
        """A ``LinkMaker`` for one life of the daemon."""

        def make(config: LinkConfig, hooks: LinkHooks) -> LinkControl:
            link = self.links[config.address] = FakeLink(self, config, hooks, wires)
            return link

        return make

    async def killed(self) -> None:
        """The daemon is no more: what it did not store comes again."""
        for link in self.links.values():
            link.dead = True
        self.links.clear()
        await self.owner.close()

    def forgotten(self, address: str) -> None:
        """The profile was deleted at the daemon: it holds nothing any more."""
        self.stored.pop(address, None)

    # Towards the daemon
    def incoming(self, to: str, xml_inside: str, sender: str, kind: str = "chat", key: str = "") -> str:
        """A new message in the account's archive; delivered now or with the next session."""
        self._count += 1
        archive = f"s{self._count}"
        stanza = (
            f"<message xmlns='jabber:client' from='{sender}' to='{to}' type='{kind}' id='{key or archive}'>"
            f"{xml_inside}<stanza-id xmlns='urn:xmpp:sid:0' by='{to}' id='{archive}'/></message>"
        )
        self.waiting.setdefault(to, {})[archive] = stanza
        self.offer(to)
        return archive

    def offer(self, address: str, archive: str | None = None) -> None:
        """Bring what waits; messages may come twice."""
        link = self.links.get(address)
        if link is None or not link.online or link.dead:
            return
        for key, stanza in list(self.waiting.get(address, {}).items()):
            if archive in (None, key):
                self._deliver(link, stanza, key)

    def again(self, to: str, stanza: str) -> None:
        """Something that was delivered before, or that no archive holds."""
        link = self.links.get(to)
        if link is not None and link.online and not link.dead:
            self._deliver(link, stanza, "")

    def _deliver(self, link: FakeLink, stanza: str, archive: str) -> None:
        inbound = link.wires.shared.decoders.decode(ET.fromstring(stanza))
        if inbound.faults:
            self.faults.extend(inbound.faults)
        via: Via = ""
        result = link.wires.router.route(link.account, inbound, via)
        if result is not None:
            task = self.owner.spawn(self._stored(link, result, archive), "deliver")
            if inspect.iscoroutine(result):  # ended before its first step, the task has not begun to await it
                task.add_done_callback(lambda _: result.close())
        elif archive:
            self.waiting[link.config.address].pop(archive, None)

    async def _stored(self, link: FakeLink, result: Awaitable[object], archive: str) -> None:
        try:
            await result
        except SalutError as error:
            if error.code not in (
                "not-found",
                "unavailable",
            ):  # deleted meanwhile, or the daemon ends: it comes again
                raise
            return
        if archive and not link.dead:
            address = link.config.address
            self.waiting.get(address, {}).pop(archive, None)
            self.stored.setdefault(address, set()).add(archive)

    # Rosters and presence
    def roster(self, link: FakeLink, kind: str, payload: str) -> ET.Element:
        """Answer a request about the roster; what changes is pushed."""
        items = self.rosters.setdefault(link.config.address, {})
        answer = ET.Element("{jabber:client}iq")
        if kind == "get":
            text = f"<query xmlns='{ROSTER}'>{''.join(items.values())}</query>"
            answer.append(ET.fromstring(text))
            return answer
        for item in ET.fromstring(payload):
            self.push(link.config.address, item)
        return answer

    def _subscription(self, address: str, contact: str, word: str) -> None:
        """What a server makes of a presence stanza about subscriptions (RFC 6121 section 3)."""
        text = self.rosters.setdefault(address, {}).get(contact, f"<item xmlns='{ROSTER}' jid='{contact}'/>")
        item = ET.fromstring(text)
        held = item.get("subscription", "none")
        ways = {"to", "from"} if held == "both" else {held} - {"none"}
        item.attrib.pop("ask", None)
        if word == "subscribe" and "to" not in ways:
            item.set("ask", "subscribe")
        elif word == "subscribed":
            ways.add("from")
        else:
            ways.discard("to" if word == "unsubscribe" else "from")
        item.set("subscription", "both" if len(ways) == 2 else next(iter(ways), "none"))
        self.push(address, item)

    def push(self, address: str, item: ET.Element) -> None:
        """An entry changed: it is kept, and told to the account if it is online."""
        contact = item.get("jid", "")
        item.attrib.setdefault("subscription", "none")
        if item.get("subscription") == "remove":
            self.rosters.setdefault(address, {}).pop(contact, None)
        else:
            self.rosters.setdefault(address, {})[contact] = ET.tostring(item, encoding="unicode")
        link = self.links.get(address)
        if link is None or not link.online or link.dead:
            return
        query = ET.Element(f"{{{ROSTER}}}query")
        query.append(item)
        handler = link.wires.shared.iqs.find("set", query.tag)
        if handler is not None:
            jid = f"{address}/salut"
            handler(Request(kind="set", from_="", to=jid, id="push", payload=query, own=jid))

    def presence(self, to: str, sender: str, kind: str = "", inside: str = "") -> None:
        """A presence stanza, as slixmpp hands it on."""
        link = self.links.get(to)
        if link is None or not link.online or link.dead:
            return
        word = f" type='{kind}'" if kind else ""
        element = ET.fromstring(
            f"<presence xmlns='jabber:client' from='{sender}' to='{to}'{word}>{inside}</presence>"
        )
        client = cast("Client", link.account.session.client)
        client.told("changed_subscription" if "subscribe" in kind else "presence", element)

    def came_online(self, link: FakeLink) -> None:
        """What waits is brought."""
        self.offer(link.config.address)

    # From the daemon
    def sent(self, link: FakeLink, xml: str, track: str | None) -> None:
        """A stanza of the daemon's: acknowledged soon, and passed on if it is for one of our accounts."""
        if track is not None:
            link.unacked.append(track)
            asyncio.get_running_loop().call_soon(self._ack, link, track)
        stanza = ET.fromstring(f"<x xmlns='jabber:client'>{xml}</x>")[0]
        to = (stanza.get("to") or "").partition("/")[0]
        if stanza.tag == "{jabber:client}presence" and stanza.get("type"):
            self._subscription(link.config.address, to, stanza.get("type", ""))
        if to not in self.links or stanza.tag != "{jabber:client}message":
            return
        stanza.set("from", f"{link.config.address}/salut")
        inside = "".join(ET.tostring(child, encoding="unicode") for child in stanza)
        if stanza.find("{jabber:client}body") is not None:
            self.incoming(
                to, inside, stanza.get("from", ""), stanza.get("type", "normal"), stanza.get("id", "")
            )
        else:
            self.again(to, ET.tostring(stanza, encoding="unicode"))

    def _ack(self, link: FakeLink, track: str) -> None:
        if link.online and not link.dead and track in link.unacked:
            link.unacked.remove(track)
            link.wires.router.acked(link.account, [track])
