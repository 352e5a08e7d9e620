# SPDX-License-Identifier: AGPL-3.0-or-later
"""One run: random operations chosen by a seed, then calm, then a comparison to the field."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

from salut.api.wire import Position
from salut.bridge.window import WindowSession
from salut.client.aio import Client
from salut.client.kinds import Kinds, installed_contracts
from salut.client.replica import Replica
from salut.model.errors import SalutError
from salut.model.moment import iso, now
from salut.plugins.history.api import HistoryApi
from tests.convergence.driver import Driver
from tests.convergence.world import BOUNDS, DOMAIN, PEERS, PROFILES, Truth, World, address, plain

WINDOWS = 8
STEPS = 64
SETTLE_SECONDS = 30.0
KINDS = Kinds(installed_contracts())
WORDS = ("hello", "again", "tomorrow", "kettle", "Zürich", "naïve", "<b>&amp;", "…", "emoji 😀")


class Run:
    """All of one seed. ``log`` tells what was done, step by step."""

    def __init__(self, seed: int, folder: Path, template: Path, resets: Counter[str]) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.log: list[str] = []
        self.world = World(folder, template, Random(seed + 1))
        self.drivers = [Driver(n, self.world, Random(seed * 31 + n), resets) for n in range(WINDOWS)]
        self.ops: list[tuple[str, dict[str, Any]]] = []  # writes that were sent, to be repeated
        self._op = 0
        self._backed_up = False
        self._seen: list[tuple[str, str]] = []  # (account, stanza) for duplicates

    def note(self, text: str) -> None:
        """Into the log that a failure prints."""
        self.log.append(text)

    # The whole
    async def go(self) -> None:
        """Run; ``AssertionError`` says what differs."""
        await self.world.start()
        try:
            for profile in PROFILES:
                await self.world.call(
                    "profiles.create", name=profile, address=address(profile), password="secret"
                )
            for driver in self.drivers:
                self.choose_view(driver)
                driver.conversations = self.random.choice((200, 200, 2))
                await driver.come()
            overflow_at = self.random.randrange(STEPS)
            for step in range(STEPS):
                if step == overflow_at:
                    await self.overflow()
                await self.step()
                for _ in range(self.random.choice((0, 1, 1, 3, 10))):
                    await asyncio.sleep(0)
            await self.settle()
            await self.compare()
        finally:
            for driver in self.drivers:
                await driver.close()
            await self.world.close()
        self.complain()

    def complain(self) -> None:
        """Nothing went wrong on the way."""
        faults = [fault for driver in self.drivers for fault in driver.faults]
        assert not faults, faults
        assert not self.world.complaints.lines, self.world.complaints.lines
        assert not self.world.server.faults, self.world.server.faults
        assert self.world.overflows, "no window's queue overflowed"

    async def step(self) -> None:
        """One operation."""
        names = [name for name, _weight in OPERATIONS]
        weights = [weight for _name, weight in OPERATIONS]
        name = self.random.choices(names, weights)[0]
        driver = self.random.choice(self.drivers)
        what: Any = getattr(self, f"do_{name}")(driver)
        self.note(f"{name} {driver.name}" + (f" {what}" if isinstance(what, str) else ""))
        if isinstance(what, Awaitable):
            told = await what
            if told:
                self.log[-1] += f" {told}"
        if not driver.alive:
            await self.bring_back(driver)

    async def bring_back(self, driver: Driver) -> None:
        """A window that was kicked or closed comes again, as a new process."""
        checkpoint = driver.checkpoint if self.random.random() < 0.5 else None
        with contextlib.suppress(SalutError):
            await driver.come(checkpoint)
        self.note(f"  {driver.name} comes {'knowing ' + str(checkpoint[0]) if checkpoint else 'anew'}")

    def choose_view(self, driver: Driver) -> None:
        """What a window wants to see."""
        count = self.random.choice((0, 0, 1, 2))
        driver.profiles = self.random.sample((*PROFILES, "dora"), count) if count else None

    # What a window does
    def profile(self, driver: Driver) -> str:
        return self.random.choice(driver.profiles or PROFILES)

    def peer(self) -> str:
        return self.random.choice((*PEERS, *(address(profile) for profile in PROFILES)))

    def text(self) -> str:
        return " ".join(self.random.choices(WORDS, k=self.random.choice((1, 3, 30))))

    def write(self, driver: Driver, method: str, **params: Any) -> str:
        """A write with an op; now and then it is sent twice, by this window or another one."""
        self._op += 1
        params["op"] = f"op{self._op}"
        self.ops.append((method, params))
        driver.call(method, **params)
        if self.random.random() < 0.2:
            driver.call(method, **params)
        return f"{method} {params}"

    def do_send(self, driver: Driver) -> str:
        return self.write(driver, "chat.send", profile=self.profile(driver), to=self.peer(), body=self.text())

    def do_repeat(self, driver: Driver) -> str:
        if not self.ops:
            return "nothing"
        method, params = self.random.choice(self.ops[-10:])
        driver.call(method, **params)
        return f"{method} {params}"

    def do_draft(self, driver: Driver) -> str:
        text = self.random.choice(("", self.text()))
        return self.write(
            driver, "drafts.set", profile=self.profile(driver), conversation=self.peer(), text=text
        )

    def do_mark_read(self, driver: Driver) -> str:
        return self.write(driver, "history.mark_read", profile=self.profile(driver), conversation=self.peer())

    def do_mark_unread(self, driver: Driver) -> str:
        return self.write(
            driver, "history.mark_unread", profile=self.profile(driver), conversation=self.peer(),
            since=self.random.randrange(1, 200),
        )  # fmt: skip

    def do_setting(self, driver: Driver) -> str:
        values: dict[str, Any] = self.random.choice(
            ({"knobs.volume": self.random.randrange(100)}, {"knobs.colour": "blue", "knobs.quiet": True})
        )
        if_rev = self.random.choice((None, 0, self.random.randrange(30)))
        return self.write(driver, "settings.set", values=values, if_rev=if_rev)

    def do_typing(self, driver: Driver) -> str:
        state = self.random.choice(("composing", "active"))
        driver.call("chat.typing", profile=self.profile(driver), conversation=self.peer(), state=state)
        return state

    def do_read(self, driver: Driver) -> str:
        method = self.random.choice(("profiles.list", "history.search", "windows.list", "daemon.info"))
        driver.call(method, **({"query": "hello"} if method == "history.search" else {}))
        return method

    async def do_focus(self, driver: Driver) -> None:
        if driver.client is not None and driver.client.link.state == "connected":
            driver.calls.spawn(self._focus(driver.client, self.random.random() < 0.5), "focus")

    async def _focus(self, client: Client, focused: bool) -> None:
        with contextlib.suppress(SalutError):
            await client.focus(focused=focused)

    def do_timeline(self, driver: Driver) -> str:
        profile, peer = self.profile(driver), self.peer()
        driver.open_timeline(profile, peer)
        return f"{profile} {peer}"

    def do_older(self, driver: Driver) -> None:
        for opened in driver.opened:
            driver.load(opened.line, (opened.line.needs_load and opened.line.newest()) or opened.line.older())

    def do_kick(self, driver: Driver) -> str:
        window = self.random.choice(self.drivers).client
        driver.call("windows.kick", window=window.window if window else "w1")
        return window.window if window else "w1"

    # Profiles
    def do_link(self, driver: Driver) -> str:
        method = self.random.choice(("profiles.connect", "profiles.disconnect", "profiles.connect"))
        return self.write(driver, method, profile=self.profile(driver))

    def do_change(self, driver: Driver) -> str:
        settings: dict[str, Any] = {"port": self.random.randrange(1, 9000)}
        if self.random.random() < 0.3:
            settings["enabled"] = self.random.random() < 0.7
        return self.write(driver, "profiles.change", profile=self.profile(driver), settings=settings)

    def do_create(self, driver: Driver) -> str:
        name = self.random.choice(("dora", *PROFILES) if driver.profiles is None else driver.profiles)
        return self.write(driver, "profiles.create", name=name, address=address(name), password="secret")

    def do_delete(self, driver: Driver) -> str:
        name = self.random.choice(("dora", "cora") if driver.profiles is None else driver.profiles)
        self.world.server.forgotten(address(name))
        driver.calls.spawn(self._delete(name), "delete")
        return name

    async def _delete(self, name: str) -> None:
        with contextlib.suppress(SalutError):
            await self.world.call("profiles.delete", profile=name)
            self.world.server.forgotten(address(name))

    # What the server brings
    def body(self, key: str, extra: str = "") -> str:
        asks = "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
        text = self.text().replace("&", "&amp;").replace("<", "&lt;")
        return f"<body>{text}</body><origin-id xmlns='urn:xmpp:sid:0' id='{key}'/>{asks}{extra}"

    def do_incoming(self, driver: Driver) -> str:
        to, sender = address(self.random.choice(PROFILES)), self.random.choice(PEERS)
        count = self.random.choice((1, 1, 2, 8))
        for _ in range(count):
            self._op += 1
            self.world.server.incoming(to, self.body(f"k{self._op}"), f"{sender}/phone", key=f"k{self._op}")
        return f"{count} to {to} from {sender}"

    def do_late(self, driver: Driver) -> str:
        to, sender = address(self.random.choice(PROFILES)), self.random.choice(PEERS)
        self._op += 1
        stamp = iso(now() - self.random.randrange(1, 10**10))
        delay = f"<delay xmlns='urn:xmpp:delay' from='{DOMAIN}' stamp='{stamp}'/>"
        self.world.server.incoming(to, self.body(f"k{self._op}", delay), f"{sender}/phone")
        return f"to {to} from {sender} of {stamp}"

    def do_duplicate(self, driver: Driver) -> str:
        """Without an archive id, twice or more: known by what its sender called it."""
        if self._seen and self.random.random() < 0.6:
            to, stanza = self.random.choice(self._seen)
        else:
            to, sender = address(self.random.choice(PROFILES)), self.random.choice(PEERS)
            self._op += 1
            stanza = (
                f"<message xmlns='jabber:client' from='{sender}/phone' to='{to}' type='chat' id='d{self._op}'>"
                f"{self.body(f'd{self._op}')}</message>"
            )
            self._seen.append((to, stanza))
        self.world.server.again(to, stanza)
        return to

    def do_carbon(self, driver: Driver) -> str:
        own, peer = address(self.random.choice(PROFILES)), self.random.choice(PEERS)
        self._op += 1
        way = self.random.choice(("sent", "received"))
        from_, to = (f"{own}/other", peer) if way == "sent" else (f"{peer}/phone", f"{own}/other")
        forger = self.random.random() < 0.2
        copy = (
            f"<{way} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
            f"<message xmlns='jabber:client' from='{from_}' to='{to}' type='chat' id='c{self._op}'>"
            f"{self.body(f'c{self._op}')}<stanza-id xmlns='urn:xmpp:sid:0' by='{own}' id='c{self._op}'/>"
            f"</message></forwarded></{way}>"
        )
        self.world.server.again(
            own,
            f"<message xmlns='jabber:client' from='{peer if forger else own}' to='{own}/salut'>{copy}</message>",
        )
        return f"{way} {own} {peer}{' forged' if forger else ''}"

    def do_state(self, driver: Driver) -> str:
        """Typing, a receipt, a marker or an error for something that was sent."""
        to, peer = address(self.random.choice(PROFILES)), self.random.choice(PEERS)
        key = f"op{self.random.randrange(1, self._op + 2)}"
        inside = self.random.choice(
            (
                "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
                "<paused xmlns='http://jabber.org/protocol/chatstates'/>",
                "<active xmlns='http://jabber.org/protocol/chatstates'/>",
                f"<received xmlns='urn:xmpp:receipts' id='{key}'/>",
                f"<displayed xmlns='urn:xmpp:chat-markers:0' id='{key}'/>",
                "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
            )
        )
        kind = "error" if inside.startswith("<error") else "chat"
        self.world.server.again(
            to,
            f"<message xmlns='jabber:client' from='{peer}/phone' to='{to}' type='{kind}' id='{key}'>{inside}</message>",
        )
        return f"{to} {inside}"

    def do_network(self, driver: Driver) -> str:
        links = sorted(self.world.server.links.items())
        if not links:
            return "no link"
        name, link = self.random.choice(links)
        if link.online:
            link.down("the cable was pulled")
            return f"{name} down"
        link.up(self.random.random() < 0.5)
        return f"{name} up"

    def do_presence(self, driver: Driver) -> str:
        """One contact, or a storm of them."""
        to, count = address(self.random.choice(PROFILES)), self.random.choice((1, 1, 3, 40))
        for number in range(count):
            kind = self.random.choice(("", "", "unavailable"))
            show = self.random.choice(("", "<show>away</show>", f"<status>{number}</status>"))
            sender = f"{self.random.choice(PEERS)}/r{self.random.randrange(3)}"
            self.world.server.presence(to, sender, kind, "" if kind else show)
        return f"{count} to {to}"

    def do_subscription(self, driver: Driver) -> str:
        to, sender = address(self.random.choice(PROFILES)), self.random.choice(PEERS)
        kind = self.random.choice(("subscribe", "subscribe", "unsubscribe"))
        self.world.server.presence(to, sender, kind, "<status>please</status>" if kind == "subscribe" else "")
        return f"{kind} to {to} from {sender}"

    def do_push(self, driver: Driver) -> str:
        """Another client of the account changed the roster."""
        own = address(self.random.choice(PROFILES))
        item = ET.Element("{jabber:iq:roster}item", jid=self.random.choice(PEERS))
        item.set("subscription", self.random.choice(("none", "to", "both", "remove")))
        item.set("name", self.text()[:20])
        self.world.server.push(own, item)
        return f"{own} {item.attrib}"

    def do_roster(self, driver: Driver) -> str:
        contact = {"profile": self.profile(driver), "address": self.random.choice(PEERS)}
        method, more = self.random.choice(
            (
                ("roster.add", {"name": self.text()[:30]}),
                ("roster.remove", {}),
                ("roster.change", {"groups": [self.random.choice(WORDS)]}),
                ("roster.accept", {}),
                ("roster.deny", {}),
            )
        )
        return self.write(driver, method, **contact, **more)

    def do_status(self, driver: Driver) -> str:
        show = self.random.choice(("online", "away", "dnd"))
        return self.write(driver, "presence.set", profile=self.profile(driver), show=show)

    # Cuts and stalls
    def do_cut(self, driver: Driver) -> None:
        driver.cut(inside_frame=self.random.random() < 0.7)

    def do_hold(self, driver: Driver) -> None:
        if driver.client is not None:
            driver.client.hold()

    def do_release(self, driver: Driver) -> None:
        if driver.client is not None:
            driver.client.release()

    async def do_leave(self, driver: Driver) -> None:
        driver.remember()
        await driver.leave()
        if self.random.random() < 0.3:
            self.choose_view(driver)

    def do_remember(self, driver: Driver) -> None:
        driver.remember()

    async def do_trim(self, driver: Driver) -> str:
        journal = self.random.choice(("", *PROFILES))
        await self.world.trim(journal, self.random.randrange(1, 4))
        return journal

    async def do_backup(self, driver: Driver) -> None:
        self._backed_up = True
        await self.world.back_up()

    async def do_restart(self, driver: Driver) -> str:
        kill = self.random.random() < 0.5
        restore = self._backed_up and self.random.random() < 0.5
        await (self.world.kill() if kill else self.world.stop())
        restored = restore and self.world.restore()
        if restored:
            self.ops.clear()  # they are forgotten, and may do their work again
        await self.world.start()
        return f"{'killed' if kill else 'stopped'}{', an older copy restored' if restored else ''}"

    async def overflow(self) -> None:
        """A window stops reading while much happens, until the daemon gives up its queue."""
        for _ in range(5):
            if await self._overflow(self.random.choice(self.drivers)):
                self.world.overflows += 1
                return
        raise AssertionError("no window's queue could be made to overflow")

    async def _overflow(self, driver: Driver) -> bool:
        """False if the window was kicked, or the flooded profile deleted, before that."""
        view, driver.profiles = driver.profiles, None
        await driver.leave()
        await self._awake("anna")
        await driver.come()
        assert driver.client is not None
        window = driver.client.window
        driver.client.hold()
        self.note(f"overflow {driver.name}")
        end = time.monotonic() + SETTLE_SECONDS
        number = 0
        while (session := self.world.session_of(window)) is not None and not left_behind(session):
            assert time.monotonic() < end, (
                f"never overflowed: {session.feed.places}, {self.world.engine.journal.heads}"
            )
            if "anna" not in session.feed.places:
                break
            await self._awake("anna")
            number += 1
            flood = f"<body>{'flood ' * 60}</body>"
            self.world.server.incoming(
                address("anna"), flood, f"{PEERS[0]}/phone", key=f"f{self.seed}.{number}"
            )
            if number % 8 == 0:
                await self._breath()
        driver.profiles = view
        if view is not None or self.random.random() < 0.5:
            await driver.leave()
            await driver.come()
        else:
            driver.client.release()
        return session is not None and left_behind(session)

    async def _awake(self, profile: str) -> None:
        """The profile exists and is online, as far as other windows let it."""
        with contextlib.suppress(SalutError):
            if profile not in self.world.engine.journal.journals.pids:
                await self.world.call(
                    "profiles.create", name=profile, address=address(profile), password="secret"
                )
            if not self.world.engine.profiles.is_online(profile):
                await self.world.call("profiles.connect", profile=profile)
        link = self.world.server.links.get(address(profile))
        if link is not None:
            link.up(False)

    async def _breath(self) -> None:
        """Let what was handed over be stored and told."""
        with contextlib.suppress(SalutError):
            await self.world.engine.journal.commit("", lambda _tx: None)

    # The end
    async def settle(self) -> None:
        """No more is done; wait until all that was done has arrived everywhere."""
        self.note("settle")
        for driver in self.drivers:
            driver.mend()
        await self.until(self.calls_done, "calls end")
        for name in list(self.world.engine.journal.journals.pids):
            if name:
                await self._awake(name)
        await self.until(self.links_up, "links are up")
        for link in self.world.server.links.values():
            self.world.server.offer(link.config.address)
        await self.until(self.quiet, "all is stored and told")
        for driver in self.drivers:
            for opened in driver.opened:
                if opened.line.profile in self.world.engine.journal.journals.pids:
                    await driver.whole(opened.line)
        await self.until(self.quiet, "all is stored and told")

    async def until(self, done: Callable[[], Awaitable[str]], what: str) -> None:
        """Wait until ``done`` finds nothing that is missing."""
        end = time.monotonic() + SETTLE_SECONDS
        while missing := await done():
            assert time.monotonic() < end, f"not so in {SETTLE_SECONDS} s: {what}; {missing}"
            await asyncio.sleep(0.002)

    async def calls_done(self) -> str:
        return ", ".join(
            f"{d.name}: {[task.get_name() for task in d.calls._tasks]}" for d in self.drivers if len(d.calls)
        )

    async def all_there(self) -> str:
        for driver in self.drivers:
            if not driver.alive:
                await self.bring_back(driver)
        return ", ".join(driver.name for driver in self.drivers if not driver.alive)

    async def links_up(self) -> str:
        for link in self.world.server.links.values():
            link.up(False)
        down = [
            name for name in self.world.engine.journal.journals.pids
            if name and not self.world.engine.profiles.is_online(name)
        ]  # fmt: skip
        return f"offline: {down}" if down else ""

    async def quiet(self) -> str:
        """What is still on its way; empty when nothing is. A window may hear only now that it was kicked."""
        if gone := await self.all_there():
            return f"not there: {gone}"
        engine = self.world.engine
        server = self.world.server
        there = [address(name) for name in engine.journal.journals.pids if name]
        busy = [f"{name}: {w}" for name, w in server.waiting.items() if w and name in there]
        if busy and not len(server.owner):  # the profile came anew while they were on their way
            for name in there:
                server.offer(name)
        if busy or len(self.world.server.owner):
            return f"not stored: {busy} {len(self.world.server.owner)}"
        before = {name: engine.journal.position(name) for name in engine.journal.journals.pids}
        if len(engine.owner) > 1 + len(engine.profiles) * 0:  # the trimming task stays
            return f"the engine works: {[t.get_name() for t in engine.owner._tasks]}"
        await engine.journal.commit("", lambda _tx: None)
        behind = [lag for driver in self.drivers if (lag := self.lag(driver, before))]
        return "; ".join(behind)

    def lag(self, driver: Driver, positions: dict[str, Position]) -> str:
        """What a window lacks."""
        client = driver.client
        if client is None or client.link.state != "connected":
            return f"{driver.name} is {client.link if client else 'closed'}"
        want = {name: place for name, place in positions.items() if self.sees(driver, name)}
        have = client.replica.position()
        if have != want:
            return f"{driver.name} has {have}, the daemon {want}"
        passing = client.replica.passing_state
        if passing != self.passing(driver):
            return f"{driver.name} holds passing {passing}, the daemon {self.passing(driver)}"
        return ""

    def sees(self, driver: Driver, journal: str) -> bool:
        return not journal or driver.profiles is None or journal in driver.profiles

    def passing(self, driver: Driver) -> Truth:
        """Passing objects that a window must hold."""
        found: Truth = {}
        for (journal, name, key), encoded in self.world.engine.journal.passing_now().items():
            if self.sees(driver, journal):
                value = plain(encoded_value(encoded))
                found.setdefault(journal, {}).setdefault(name, {})[key] = (0, value)
        return found

    async def compare(self) -> None:
        """Every replica equals the daemon's state, to the field."""
        shown, everything = await self.world.truth()
        settings = await self.world.settings()
        for driver in self.drivers:
            assert driver.client is not None
            self.compare_replica(driver, driver.client.replica, shown, everything, settings)
            for opened in driver.opened:
                await self.compare_timeline(driver, opened.line)
        self.compare_server(everything)

    def compare_replica(
        self, driver: Driver, replica: Replica, shown: Truth, everything: Truth, settings: dict[str, Any]
    ) -> None:
        """Snapshot kinds are the same sets; of others each held object is the daemon's."""
        state = typed(replica.state)
        shown, everything = typed(shown), typed(everything)
        settings = {key: (rev, KINDS.decode("setting", value)) for key, (rev, value) in settings.items()}
        assert set(state) <= {name for name in ("", *everything) if self.sees(driver, name)}, driver.name
        for journal in everything:
            if not self.sees(driver, journal):
                continue
            held = state.get(journal, {})
            for kind in {*held, *shown.get(journal, {})}:
                place = f"{driver.name}: {journal}/{kind}"
                whole = shown.get(journal, {}).get(kind)
                if whole is not None and (kind != "conversation" or driver.conversations >= 200):
                    assert held.get(kind, {}) == whole, f"{place}: {difference(held.get(kind, {}), whole)}"
                for key, value in held.get(kind, {}).items():
                    true = everything[journal].get(kind, {}).get(key)
                    assert value == true, f"{place} {key}: holds {value}, true is {true}"
        for key, value in state.get("", {}).get("setting", {}).items():
            assert value == settings.get(key), f"{driver.name}: setting {key}"

    async def compare_timeline(self, driver: Driver, line: Any) -> None:
        """An opened conversation is what the daemon's pages hold."""
        if line.profile not in self.world.engine.journal.journals.pids:
            assert not line.messages, f"{driver.name}: {line.profile} is gone"
            return
        assert driver.client is not None
        pages: list[Any] = []
        before: str | None = None
        while True:
            page = await driver.client.call(
                HistoryApi.page, profile=line.profile, conversation=line.conversation, before=before, limit=7
            )
            pages = page.items + pages
            before = page.before
            if before is None:
                break
        assert list(line.messages) == pages, f"{driver.name}: timeline {line.profile} {line.conversation}"
        assert line.at_start and line.at_end, f"{driver.name}: the timeline has no end"

    def compare_server(self, everything: Truth) -> None:
        """What the server was told is stored, is stored, once; what windows sent twice is there once."""
        for profile in PROFILES:
            messages = everything.get(profile, {}).get("message", {})
            archives = Counter(m["archive"] for _rev, m in messages.values() if m.get("archive"))
            lost = self.world.server.stored.get(address(profile), set()) - archives.keys()
            assert profile not in everything or not lost, f"{profile} lost {lost}"
            twice = {key: n for key, n in archives.items() if n > 1}
            assert not twice, f"{profile} holds twice: {twice}"
            sent = [m for _rev, m in messages.values() if m.get("outgoing") and m["origin"].startswith("op")]
            keys = Counter(m["origin"] for m in sent)
            again = [m for m in sent if keys[m["origin"]] > 1]
            assert not again, f"{profile} sent twice: {again}"


def left_behind(session: WindowSession) -> bool:
    """Its queue was dropped, or it never had one since it was behind from the beginning."""
    return session.feed.dropped > 0 or session.feed.behind() > BOUNDS.queue_count


def difference(held: dict[str, Any], true: dict[str, Any]) -> str:
    """Where two maps differ."""
    keys = [key for key in {*held, *true} if held.get(key) != true.get(key)]
    return "; ".join(f"{key}: holds {held.get(key)}, true is {true.get(key)}" for key in keys[:3])


def typed(state: Truth) -> Truth:
    """Values as the structs of their kinds: whether a default was sent or left out is no difference."""
    return {
        journal: {
            kind: {key: (rev, KINDS.decode(kind, value)) for key, (rev, value) in objects.items()}
            for kind, objects in kinds.items()
        }
        for journal, kinds in state.items()
    }


def encoded_value(encoded: bytes) -> Any:
    """The value in an encoded ``Passing``."""
    import msgspec

    return msgspec.json.decode(encoded)["value"]


OPERATIONS: tuple[tuple[str, int], ...] = (
    ("send", 14), ("repeat", 4), ("draft", 8), ("mark_read", 6), ("mark_unread", 4), ("setting", 4), ("typing", 3),
    ("read", 3), ("focus", 3), ("timeline", 6), ("older", 4), ("kick", 1), ("link", 3), ("change", 2), ("create", 2),
    ("delete", 1), ("presence", 5), ("subscription", 2), ("push", 4), ("roster", 5), ("status", 2), ("incoming", 16),
    ("late", 4), ("duplicate", 4), ("carbon", 4), ("state", 8), ("network", 5),
    ("cut", 10), ("hold", 5), ("release", 5), ("leave", 3), ("remember", 4), ("trim", 3), ("backup", 1), ("restart", 2),
)  # fmt: skip
