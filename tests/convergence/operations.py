# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happens in a run: windows act, the server brings things, connections break, the daemon restarts."""

from __future__ import annotations

import contextlib
import time
from typing import Any
from xml.etree import ElementTree as ET

from salut.bridge.window import WindowSession
from salut.client.aio import Client
from salut.model.errors import SalutError
from salut.model.moment import iso, now
from tests.convergence.base import Base
from tests.convergence.driver import Driver
from tests.convergence.fake_server import DOMAIN
from tests.convergence.world import BOUNDS, PEERS, PROFILES, address

WORDS = ("hello", "again", "tomorrow", "kettle", "Zürich", "naïve", "<b>&amp;", "…", "emoji 😀")
OVERFLOW_SECONDS = 30.0


class Operations(Base):
    """The operations; ``do_NAME`` does one, with a window at hand."""

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
                ("roster.refuse", {}),
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
        end = time.monotonic() + OVERFLOW_SECONDS
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


def left_behind(session: WindowSession) -> bool:
    """Its queue was dropped, or it never had one since it was behind from the beginning."""
    return session.feed.dropped > 0 or session.feed.behind() > BOUNDS.queue_count


OPERATIONS: tuple[tuple[str, int], ...] = (
    ("send", 14), ("repeat", 4), ("draft", 8), ("mark_read", 6), ("mark_unread", 4), ("setting", 4), ("typing", 3),
    ("read", 3), ("focus", 3), ("timeline", 6), ("older", 4), ("kick", 1), ("link", 3), ("change", 2), ("create", 2),
    ("delete", 1), ("presence", 5), ("subscription", 2), ("push", 4), ("roster", 5), ("status", 2), ("incoming", 16),
    ("late", 4), ("duplicate", 4), ("carbon", 4), ("state", 8), ("network", 5),
    ("cut", 10), ("hold", 5), ("release", 5), ("leave", 3), ("remember", 4), ("trim", 3), ("backup", 1), ("restart", 2),
)  # fmt: skip
