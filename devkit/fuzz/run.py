# SPDX-License-Identifier: AGPL-3.0-or-later
"""The three storms, and the report."""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from devkit.bench.processes import rss_mb
from devkit.fuzz import bytestream
from devkit.fuzz.clients import Asker, rude
from devkit.fuzz.frames import Contract
from devkit.fuzz.stanzas import Case, breaking, case
from devkit.fuzz.world import PROFILE, World, world

BATCH: Final = 250
BREAK_EVERY: Final = 8
"""Batches of stanzas between two streams that are broken by forbidden bytes."""
ASKERS: Final = 8
RUDE_EVERY: Final = 1_000
"""Frames for each client that keeps to no protocol."""
GROWTH_MB: Final = 20.0
"""Memory that a storm may leave behind, from its first tenth to its end."""


@dataclass
class Report:
    """What was done and what did not hold."""

    seed: int
    cases: dict[str, int] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    grown: dict[str, float] = field(default_factory=dict)
    slowest: float = 0.0
    reconnects: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.cases.values())

    def text(self) -> str:
        """For people."""
        lines = [f"seed {self.seed}: {self.total:,} cases"]
        for name, count in self.cases.items():
            grown = f", memory grown {self.grown[name]:.1f} MB" if name in self.grown else ""
            lines.append(f"  {name}: {count:,} cases, {self.rates.get(name, 0):,.0f} a second{grown}")
        lines.append(
            f"  slowest ping of the well-behaved window {self.slowest * 1000:.0f} ms, {self.reconnects} reconnections"
        )
        lines += [f"FAILED {failure}" for failure in self.failures] or ["all held"]
        return "\n".join(lines)


@dataclass(frozen=True)
class Wish:
    """How many cases of each kind. ``start`` is the first number: to see one again."""

    seed: int
    stanzas: int
    raw: int
    frames: int
    start: int = 0


def run(wish: Wish, folder: Path) -> Report:
    """All of it, one after the other."""
    report = Report(wish.seed)
    if wish.raw:
        _raw(wish, report)
    if wish.stanzas or wish.frames:
        asyncio.run(_storms(wish, folder, report))
    return report


def _replay(report: Report, only: str, number: int, count: int = 1) -> str:
    return f'make fuzz ARGS="--seed {report.seed} --only {only} --start {number} --count {count}"'


def _raw(wish: Wish, report: Report) -> None:
    begin = time.perf_counter()
    for number in range(wish.start, wish.start + wish.raw):
        if failure := bytestream.check(wish.seed, number):
            report.failures.append(f"bytes: {failure}; again: {_replay(report, 'raw', number)}")
    report.cases["raw"] = wish.raw
    report.rates["raw"] = wish.raw / (time.perf_counter() - begin)


async def _storms(wish: Wish, folder: Path, report: Report) -> None:
    async with world(folder) as here:
        if wish.stanzas:
            await _stanzas(wish, here, report)
        if wish.frames and here.window.open:
            await _frames(wish, here, report)
        await here.held()
        report.slowest, report.reconnects = here.slowest, here.server.connections - 1
        report.failures += here.failures + [f"log: {line}" for line in here.log_errors()]


async def _stanzas(wish: Wish, here: World, report: Report) -> None:
    begin, grown = time.perf_counter(), Growth(here, wish.stanzas)
    for batch, number in enumerate(range(wish.start, wish.start + wish.stanzas, BATCH)):
        count = min(BATCH, wish.start + wish.stanzas - number)
        session = here.server.session
        if session is None and not await here.online():
            report.failures.append("the profile does not come online again")
            return
        session = here.server.session
        assert session is not None
        cases = [case(wish.seed, n, session.full_jid) for n in range(number, number + count)]
        await _storm(here, report, cases, _replay(report, "stanzas", number, count))
        report.cases["stanzas"] = number + count - wish.start
        if batch % BREAK_EVERY == BREAK_EVERY - 1:
            await _break(wish, here, report, batch)
        await grown.look(number + count - wish.start)
    report.rates["stanzas"] = wish.stanzas / (time.perf_counter() - begin)
    report.grown["stanzas"] = await grown.end(report)


async def _storm(here: World, report: Report, cases: list[Case], again: str) -> None:
    session = here.server.session
    held = await here.server.storm(cases)
    errors = here.log_errors()
    report.failures += [f"log: {line}; again: {again}" for line in errors]
    if not held:
        answered = "the session ended" if here.server.session is not session or session is None else (
            f"acknowledged {session.acked} of {session.sent}, {session.settled} answers to "
            f"{sum(one.requests for one in cases)} requests"
        )  # fmt: skip
        report.failures.append(f"not all dealt with: {answered}; again: {again}")
        if session is not None:
            session.settled = 0


async def _break(wish: Wish, here: World, report: Report, batch: int) -> None:
    """Forbidden bytes end this stream, and the profile comes back."""
    here.server.write(breaking(wish.seed, batch))
    if not await here.server.until("gone", 10):
        report.failures.append(f"forbidden bytes did not end the stream: {breaking(wish.seed, batch)!r}")
    if not await here.online():
        report.failures.append(f"offline after {breaking(wish.seed, batch)!r}")
    report.cases["broken streams"] = report.cases.get("broken streams", 0) + 1


async def _frames(wish: Wish, here: World, report: Report) -> None:
    begin, grown = time.perf_counter(), Growth(here, wish.frames)
    contract = Contract(await here.window.call("daemon.describe"))
    random = Random(f"{wish.seed}:rude")
    odd = Random(f"{wish.seed}:answers")
    here.server.odd = odd
    if here.server.session is not None:
        here.server.session.odd = odd
    for number in range(wish.start, wish.start + wish.frames, RUDE_EVERY):
        numbers = list(range(number, min(number + RUDE_EVERY, wish.start + wish.frames)))
        askers = [Asker(here.daemon.socket, contract, wish.seed) for _ in range(ASKERS)]
        await asyncio.gather(
            rude(here.daemon.socket, random),
            *(asker.run(numbers[place::ASKERS]) for place, asker in enumerate(askers)),
        )
        again = _replay(report, "frames", number, len(numbers))
        report.failures += [
            f"frames: {failure}; again: {again}" for asker in askers for failure in asker.failures
        ]
        report.failures += [f"log: {line}; again: {again}" for line in here.log_errors()]
        report.cases["frames"] = numbers[-1] + 1 - wish.start
        await grown.look(report.cases["frames"])
    report.cases["rude windows"] = -(-wish.frames // RUDE_EVERY)
    here.server.odd = None
    if here.server.session is not None:
        report.cases["odd answers"] = here.server.session.answering
        here.server.session.odd = None
    report.rates["frames"] = wish.frames / (time.perf_counter() - begin)
    report.grown["frames"] = await grown.end(report)
    profiles = await here.window.call("profiles.list")
    if [one["name"] for one in profiles] != [PROFILE]:
        report.failures.append(f"the frames changed the profiles: {profiles!r}"[:500])


class Growth:
    """Memory of the daemon from the first tenth of a storm to its end."""

    def __init__(self, here: World, total: int) -> None:
        self._here = here
        self._total = total
        self._first = 0.0

    async def look(self, done: int) -> None:
        """After each batch."""
        if not self._first and done * 10 >= self._total:
            self._first = rss_mb(self._here.daemon.pid)

    async def end(self, report: Report) -> float:
        """MB; a failure when too many."""
        gc.collect()
        grown = await asyncio.to_thread(self._here.daemon.settled_rss) - self._first
        if grown > GROWTH_MB:
            report.failures.append(f"the daemon's memory grew by {grown:.1f} MB (bound {GROWTH_MB:.0f} MB)")
        return grown
