# SPDX-License-Identifier: AGPL-3.0-or-later
"""The end of a run: wait until all has arrived everywhere, then compare to the field."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from salut.api.wire import Position
from salut.client.kinds import Kinds, installed_contracts
from salut.client.replica import Replica
from salut.plugins.history.api import HistoryApi
from tests.convergence.driver import Driver
from tests.convergence.operations import Operations
from tests.convergence.world import PROFILES, Truth, address, plain

SETTLE_SECONDS = 30.0
KINDS = Kinds(installed_contracts())


class Calm(Operations):
    """Settling and comparing."""

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
        if len(engine.owner):
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
