# SPDX-License-Identifier: AGPL-3.0-or-later
"""Section ``catchup``: 100,000 messages wait in a real archive; how soon a window sees the newest of each."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Literal

from devkit.archives import Said, put
from devkit.bench.daemon import BenchDaemon
from devkit.bench.processes import PATIENCE
from devkit.bench.report import Figure, percentile
from devkit.bench.run import Run
from devkit.bench.servers import bare_on
from devkit.bench.window import RawWindow
from devkit.process import ProgramFailedError
from devkit.prosody import Prosody
from devkit.servers import Account, ServerOptions

WAITING = 100_000
CONVERSATIONS = 50
SHOWN = 50
WATCH_SECONDS = 6.0
Shape = Literal["evenly mixed", "one buries all others"]


def address(number: int) -> str:
    """Of a contact."""
    return f"c{number}@localhost"


def absence(count: int, shape: Shape) -> Iterator[Said]:
    """What was said meanwhile. Where one conversation buries all others, the newest 60 % are of it."""
    rng = random.Random(3)
    begin = int(time.time()) - 3600 - count
    buried = shape == "one buries all others"
    for number in range(count):
        noisy = buried and number > count * 0.4
        yield Said(
            address(0 if noisy else rng.randrange(buried, CONVERSATIONS)), f"message {number}", begin + number
        )


def catchup(run: Run) -> Iterator[Figure]:
    """From the wish to connect until the newest 50 of all 50 conversations can be read; and reading meanwhile."""
    count = run.scale(WAITING, 10_000)
    shapes: tuple[Shape, ...] = ("evenly mixed", "one buries all others")
    for number, shape in enumerate(shapes):
        folder = run.folder / f"s{number}"
        with (
            Prosody(folder, options=ServerOptions(sql_archive=True)) as server,
            BenchDaemon(run.folder / f"d{number}") as daemon,
        ):
            account = server.account("me")
            _known_before(server, daemon, account)
            put(server, account, absence(count, shape))
            with daemon.window() as window:
                cpu, begin = daemon.cpu, time.perf_counter()
                window.call("profiles.connect", profile="u", wait=0.0)
                _shown(window)
                took, cpu = time.perf_counter() - begin, daemon.cpu - cpu
                waits, fetched = _meanwhile(window)
            daemon.call("profiles.disconnect", profile="u")
            with bare_on(server, account, "--archive") as client:
                floor = float(client.ask(f"newest {CONVERSATIONS} {SHOWN}", "newest")[0])
        yield Figure(
            "catchup", f"newest {SHOWN} of {CONVERSATIONS} conversations, {count:,} wait, {shape}", "s", took, floor,
            "s bare slixmpp, connected, that knows all", 3.0,
            note=f"from the wish to connect; {cpu:.2f} s of CPU",
        )  # fmt: skip
        yield Figure(
            "catchup", "a page of history meanwhile, p99", "ms", percentile(waits, 0.99) * 1000, target=100.0,
            note=f"{len(waits)} ×, worst {max(waits) * 1000:.0f} ms; the rest comes at {fetched:,.0f} messages/s",
        )  # fmt: skip


def _known_before(server: Prosody, daemon: BenchDaemon, account: Account) -> None:
    """A first session, in which each conversation had one message."""
    past = int(time.time()) - 5 * 24 * 3600
    put(server, account, (Said(address(number), "before", past) for number in range(CONVERSATIONS)))
    settings = {"host": "localhost", "port": server.c2s_port, "ca_file": str(server.ca_file)}
    daemon.add("u", account.jid, account.password, **settings)
    end = time.monotonic() + PATIENCE
    with daemon.window() as window:
        while len(
            window.call("history.conversations", profile="u", limit=200)["items"]
        ) < CONVERSATIONS or window.call("archive.gaps", profile="u"):
            if time.monotonic() > end:
                raise ProgramFailedError("the first catch-up did not end")
            time.sleep(0.05)
        window.call("profiles.disconnect", profile="u")


def _shown(window: RawWindow) -> None:
    end = time.monotonic() + PATIENCE
    number = 0
    while number < CONVERSATIONS:
        page = window.call("history.page", profile="u", conversation=address(number), limit=SHOWN)["items"]
        if len(page) == SHOWN and page[0]["body"] != "before":
            number += 1
        elif time.monotonic() > end:
            raise ProgramFailedError(f"the newest of {address(number)} did not come")
        else:
            time.sleep(0.01)


def _meanwhile(window: RawWindow) -> tuple[list[float], float]:
    """How long a window waits for a page while the rest comes, and how many messages come in a second."""
    waits: list[float] = []
    before = _fetched(window)
    begin = time.perf_counter()
    number = 0
    while time.perf_counter() - begin < WATCH_SECONDS:
        window.call("history.page", profile="u", conversation=address(number % CONVERSATIONS), limit=SHOWN)
        waits.append(window.took)
        number += 1
        time.sleep(0.02)
    return waits, (_fetched(window) - before) / (time.perf_counter() - begin)


def _fetched(window: RawWindow) -> int:
    return sum(gap.get("fetched", 0) for gap in window.call("archive.gaps", profile="u"))
