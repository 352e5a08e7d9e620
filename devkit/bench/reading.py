# SPDX-License-Identifier: AGPL-3.0-or-later
"""Section ``reading``: attach, history pages and search with 200 conversations and a million messages."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from devkit.bench.daemon import BenchDaemon
from devkit.bench.echo import echo_ms
from devkit.bench.fill import PROFILE, Vocabulary, address, fill
from devkit.bench.report import Figure, median, percentile
from devkit.bench.run import Run
from devkit.bench.window import RawWindow
from salut.plugins.history import queries
from salut.plugins.history.rows import MESSAGE_COLUMNS, MESSAGES

CONVERSATIONS = 200
PAGE = 50
SEARCH = (
    f"SELECT {MESSAGE_COLUMNS} FROM message_text JOIN message m ON m.id = message_text.rowid "
    "JOIN conversation c ON c.id = m.conv WHERE message_text MATCH ? ORDER BY message_text.rowid DESC LIMIT 51"
)
PAGES = f"{MESSAGES} WHERE m.conv=? ORDER BY m.place DESC, m.sub DESC, m.id DESC LIMIT {PAGE + 1}"


def timed(run: Callable[[int], object], times: int) -> list[float]:
    """Milliseconds of each of ``run(0)``, ``run(1)``, …"""
    took = []
    for number in range(times):
        begin = time.perf_counter()
        run(number)
        took.append((time.perf_counter() - begin) * 1000)
    return took


def reading(run: Run) -> Iterator[Figure]:
    """Attach, page, search: over the real daemon and its socket."""
    messages = run.scale(1_000_000, 50_000)
    daemon = BenchDaemon(run.folder / "d")
    with daemon:
        begin = time.perf_counter()
        fill(daemon, messages, CONVERSATIONS)
        note = f"{messages:,} messages, filled in {time.perf_counter() - begin:.0f} s"
        daemon.start()
        yield from _attach(run, daemon, note)
        connection = sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)
        try:
            with daemon.window() as window:
                yield _page(run, window, connection)
                yield from _searches(run, window, connection)
        finally:
            connection.close()


def _attach(run: Run, daemon: BenchDaemon, note: str) -> Iterator[Figure]:
    took = []
    size = 0
    for _ in range(run.repeat(30)):
        with daemon.window() as window:
            window.attach(CONVERSATIONS)
            took.append(window.took * 1000)
            size = window.size
    yield Figure(
        "reading", f"attach, {CONVERSATIONS} conversations", "ms", median(took), echo_ms(size), "ms raw socket",
        50.0, note=f"{len(took)} ×; first {took[0]:.1f}, worst {max(took):.1f}; {note}",
    )  # fmt: skip
    yield Figure("reading", f"attach, {CONVERSATIONS} conversations: size", "KiB", size / 1024, target=100.0)


def _page(run: Run, window: RawWindow, connection: sqlite3.Connection) -> Figure:
    order = list(range(CONVERSATIONS))
    random.Random(1).shuffle(order)
    order = order[: run.scale(CONVERSATIONS, 20)]
    first, warm = [], []
    for number in order:
        params: dict[str, object] = {"profile": PROFILE, "conversation": address(number), "limit": PAGE}
        window.call("history.page", **params)
        first.append(window.took * 1000)
        window.call("history.page", **params)
        warm.append(window.took * 1000)
    floor = timed(lambda n: connection.execute(PAGES, (order[n] + 1,)).fetchall(), len(order))
    return Figure(
        "reading", f"history page of {PAGE}", "ms", median(warm), median(floor) + echo_ms(window.size),
        "ms sqlite3 + raw socket", 2.0,
        note=f"{len(order)} conversations; worst {max(warm):.2f}; first time {median(first):.2f}, "
        f"worst {max(first):.2f}",
    )  # fmt: skip


def _searches(run: Run, window: RawWindow, connection: sqlite3.Connection) -> Iterator[Figure]:
    words = Vocabulary().words
    bands: dict[str, tuple[range, range]] = {
        "common": (range(20), range(20)),
        "middling": (range(50, 500), range(50, 500)),
        "rare": (range(1_000, 10_000), range(1_000, 10_000)),
        "common + rare": (range(20), range(1_000, 10_000)),
    }
    everything: list[float] = []
    floors: list[float] = []
    notes = []
    for name, (one, other) in bands.items():
        pairs = _pairs(words, one, other, run.scale(50, 10))
        warm, first = [], []
        for pair in pairs:
            window.call("history.search", query=pair)
            first.append(window.took * 1000)
            window.call("history.search", query=pair)
            warm.append(window.took * 1000)
        floors += timed(partial(_raw_search, connection, pairs), len(pairs))
        everything += warm
        notes.append(f"{name} {median(warm):.2f} (worst {max(warm):.1f}, first {median(first):.1f})")
    yield Figure(
        "reading", "two-word search", "ms", median(everything), median(floors), "ms sqlite3", 5.0,
        note=f"{len(everything)} pairs: " + "; ".join(notes),
    )  # fmt: skip
    yield Figure(
        "reading", "two-word search, worst of 100", "ms", percentile(everything, 0.99), percentile(floors, 0.99),
        "ms sqlite3",
    )  # fmt: skip


def _raw_search(connection: sqlite3.Connection, pairs: Sequence[str], number: int) -> object:
    return connection.execute(SEARCH, (queries.words_of(pairs[number]),)).fetchall()


def _pairs(words: Sequence[str], one: range, other: range, count: int) -> list[str]:
    chance = random.Random(3)
    return [f"{words[chance.choice(one)]} {words[chance.choice(other)]}" for _ in range(count)]
