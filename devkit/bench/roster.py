# SPDX-License-Identifier: AGPL-3.0-or-later
"""Section ``roster``: what thousands of contacts cost at the first login, and what a window's attach holds of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from devkit.bench.daemon import BenchDaemon
from devkit.bench.processes import PATIENCE, cpu_seconds, settled_rss_mb
from devkit.bench.report import Figure, median
from devkit.bench.run import Run
from devkit.bench.servers import PASSWORD, USER, FakeServer
from devkit.ca import TestAuthority, write_authority
from devkit.process import ProgramFailedError

CONTACTS = 5_000
PAGE = 1_000


def roster(run: Run) -> Iterator[Figure]:
    """Seconds, CPU and memory until all contacts are stored, beside bare slixmpp's until it has them."""
    authority = write_authority(run.folder / "ca")
    count = run.scale(CONTACTS, 1_000)
    owns, floors, pages = [], [], []
    for number in range(run.repeat(3)):
        few, many = _daemon(run, authority, f"f{number}", 1), _daemon(run, authority, f"m{number}", count)
        owns.append((many[0], many[1], many[2] - few[2]))
        pages.append(many[3])
        bare_few, bare_many = _bare(authority, 1), _bare(authority, count)
        floors.append((bare_many[0], bare_many[1], bare_many[2] - bare_few[2]))
    for at, (what, unit) in enumerate((("until all are stored", "s"), ("CPU", "s"), ("memory", "MB"))):
        yield Figure(
            "roster", f"{count:,} contacts: {what}", unit, median([own[at] for own in owns]),
            median([floor[at] for floor in floors]), f"{unit} bare slixmpp", note=f"{len(owns)} ×",
        )  # fmt: skip
    yield Figure("roster", f"a page of {PAGE:,} contacts", "ms", median(pages) * 1000, note=f"{len(pages)} ×")


def _daemon(run: Run, authority: TestAuthority, folder: str, count: int) -> tuple[float, float, float, float]:
    """Seconds and CPU from the connection on, memory afterwards, seconds of a page."""
    with FakeServer(authority, count) as server, BenchDaemon(run.folder / folder) as daemon:
        daemon.add("u", USER, PASSWORD, **server.settings(), enabled=False)
        before, begin = daemon.cpu, time.perf_counter()
        daemon.call("profiles.connect", profile="u", wait=30.0)
        while _stored(daemon) < count:
            if time.perf_counter() - begin > PATIENCE:
                raise ProgramFailedError(f"fewer than {count} contacts are stored")
            time.sleep(0.02)
        seconds, cpu = time.perf_counter() - begin, daemon.cpu - before
        begin = time.perf_counter()
        daemon.call("roster.list", profile="u", limit=PAGE)
        page = time.perf_counter() - begin
        return seconds, cpu, daemon.settled_rss(), page


def _stored(daemon: BenchDaemon) -> int:
    """Contacts that a window can read."""
    found, after = 0, ""
    while True:
        page: dict[str, Any] = daemon.call("roster.list", profile="u", after=after or None, limit=PAGE)
        found += len(page["items"])
        after = page.get("after") or ""
        if not after:
            return found


def _bare(authority: TestAuthority, count: int) -> tuple[float, float, float]:
    """The same of a bare client that asks for its roster."""
    with FakeServer(authority, count) as server, server.bare() as client:
        before = cpu_seconds(client.pid)
        seconds = float(client.ask("roster", "roster")[1])
        return seconds, cpu_seconds(client.pid) - before, settled_rss_mb(client.pid)
