# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sections ``start`` and ``memory``: the daemon from its spawn to its first answer, and what it holds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from devkit.bench.commands import PASS, whole
from devkit.bench.daemon import BenchDaemon
from devkit.bench.fill import fill
from devkit.bench.processes import PATIENCE, settled_rss_mb
from devkit.bench.report import Figure, median
from devkit.bench.run import Run
from devkit.bench.servers import bare_on, prosody
from devkit.process import ProgramFailedError

STORED = 100_000
MORE = 19  # profiles besides the first


def start(run: Run) -> Iterator[Figure]:
    """Spawn to first answer, with history in the store."""
    stored = run.scale(STORED, 10_000)
    daemon = BenchDaemon(run.folder / "d")
    with daemon:
        fill(daemon, stored, 200)
        times, floors = [], []
        for _ in range(max(3, run.repeat(11))):
            floors.append(whole(PASS, {}) / 1000)
            times.append(daemon.start())
            daemon.close()
    yield Figure(
        "start", f"daemon to its first answer, {stored:,} messages", "s", median(times), median(floors),
        "s python3 -c pass", 0.6, note=f"{len(times)} ×; first {times[0]:.2f}, worst {max(times):.2f}",
    )  # fmt: skip


def memory(run: Run) -> Iterator[Figure]:
    """One profile online on a real server, then more of them."""
    more = run.scale(MORE, 3)
    with prosody(run.folder / "prosody") as server:
        daemon = BenchDaemon(run.folder / "d")
        with daemon:
            fill(daemon, run.scale(STORED, 10_000), 200)
            daemon.start()
            empty = daemon.settled_rss()
            options = {"host": "localhost", "port": server.c2s_port, "ca_file": str(server.ca_file)}
            account = server.account("first")
            with bare_on(server, server.account("bare")) as client:
                floor = settled_rss_mb(client.pid)
            daemon.add("first", account.jid, account.password, **options)
            one = daemon.settled_rss()
            for number in range(more):
                account = server.account(f"more{number}")
                daemon.add(f"more{number}", account.jid, account.password, **options)
            _all_online(daemon, more + 1)
            many = daemon.settled_rss()
    yield Figure(
        "memory", "one profile online", "MB", one, floor, "MB bare slixmpp", 80.0,
        note=f"{empty:.1f} MB before it went online",
    )  # fmt: skip
    yield Figure(
        "memory", "each further profile", "MB", (many - one) / more, target=0.5,
        note=f"{more + 1} profiles online: {many:.1f} MB",
    )  # fmt: skip


def _all_online(daemon: BenchDaemon, count: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        profiles: list[dict[str, Any]] = daemon.call("profiles.list")
        if sum(profile["link"]["state"] == "online" for profile in profiles) >= count:
            return
        time.sleep(0.05)
    raise ProgramFailedError(f"fewer than {count} profiles are online")
