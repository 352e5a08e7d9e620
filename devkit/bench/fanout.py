# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sections ``fanout`` and ``deaf``: how old changes are in the windows; what a window that never reads costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from devkit.bench.daemon import BenchDaemon
from devkit.bench.processes import Child, rss_mb
from devkit.bench.report import Figure
from devkit.bench.run import Run
from devkit.bench.servers import PASSWORD, USER, FakeServer
from devkit.ca import write_authority
from devkit.process import ProgramFailedError

PROCESSES = 2
WINDOWS = 16
RATE = 1_000  # changes a second: each message is one, and its conversation another
SENDERS = 500
DEAF_MB = 2.0


class Crowd:
    """Windows in a few processes."""

    def __init__(self, stack: ExitStack, path: Path, windows: int, deaf: int = 0) -> None:
        each = windows // PROCESSES
        self._children = [
            stack.enter_context(
                Child(
                    [
                        "-m",
                        "devkit.bench.watchers",
                        str(path),
                        str(each),
                        *(["--deaf", str(deaf)] if first else []),
                    ]
                )
            )
            for first in (True, False)
        ]
        for child in self._children:
            child.hear("attached")

    def begin(self, changes: int) -> None:
        """Expect so many changes in each window."""
        for child in self._children:
            child.say(f"timed {changes}")

    def end(self) -> tuple[float, float, float, float]:
        """Milliseconds: median, 99th percentile and worst (of the slower process); changes a second."""
        found = []
        for child in self._children:
            child.hear("done")
            _count, middle, late, worst = child.hear("latency")
            found.append((float(middle), float(late), float(worst), float(child.hear("rate")[0])))
        middles, lates, worsts, rates = zip(*found, strict=True)
        return max(middles), max(lates), max(worsts), min(rates)


def _floor(run: Run, count: int) -> tuple[float, float]:
    """Median and p99 of the same number of changes, written to the same windows by a bare process."""
    path = run.folder / "fan"
    with ExitStack() as stack:
        writer = stack.enter_context(
            Child(["-m", "devkit.bench.echo", "fan", str(path), str(WINDOWS), str(count), str(RATE)])
        )
        writer.hear("listening")
        crowd = Crowd(stack, path, WINDOWS)
        crowd.begin(count)
        writer.say("go")
        middle, late, _worst, _rate = crowd.end()
        writer.say("end")
    return middle, late


def _messages(changes: int) -> int:
    return changes // 2


def fanout(run: Run) -> Iterator[Figure]:
    """Messages come in at a steady rate; their changes go to 16 windows."""
    changes = run.scale(12, 3) * RATE
    floor_middle, floor = _floor(run, changes)
    with ExitStack() as stack:
        server = stack.enter_context(FakeServer(write_authority(run.folder / "ca"), SENDERS))
        daemon = stack.enter_context(BenchDaemon(run.folder / "d"))
        daemon.add("u", USER, PASSWORD, **server.settings())
        server.hear("online", 30)
        crowd = Crowd(stack, daemon.socket, WINDOWS)
        messages = _messages(changes)
        server.ask(f"replay {SENDERS} plain", "sent")  # the conversations are there before
        server.ask("acked", "acked")
        crowd.begin(2 * SENDERS)
        crowd.end()
        before = daemon.cpu
        crowd.begin(changes)
        server.ask(f"pace {messages} {RATE // 2} plain", "sent")
        middle, late, worst, rate = crowd.end()
        busy = (daemon.cpu - before) / (changes / rate)
    note = f"median {middle:.1f}, worst {worst:.1f}; {changes:,} changes at {rate:,.0f} /s; busy {busy:.0%} of a core"
    yield Figure(
        "fanout", f"commit to window, p99, {WINDOWS} windows", "ms", late, floor, "ms raw socket", 20.0,
        note=f"{note}; floor's median {floor_middle:.2f}",
    )  # fmt: skip


def deaf(run: Run) -> Iterator[Figure]:
    """One of the windows never reads: what it costs the daemon, and the others."""
    changes = run.scale(20_000, 4_000)
    with ExitStack() as stack:
        server = stack.enter_context(FakeServer(write_authority(run.folder / "ca"), SENDERS))
        daemon = stack.enter_context(BenchDaemon(run.folder / "d"))
        daemon.add("u", USER, PASSWORD, **server.settings())
        server.hear("online", 30)
        _flow(server, daemon, changes, 0)  # what the daemon grows to in any case
        calm = daemon.settled_rss()
        alone = _flow(server, daemon, changes, 0)
        quiet = daemon.settled_rss()
        beside = _flow(server, daemon, changes, 1)
    yield Figure(
        "deaf", f"window that never reads, {changes:,} changes", "MB", beside[1] - max(quiet, calm),
        target=DEAF_MB, note=f"without it {quiet - calm:+.2f} MB",
    )  # fmt: skip
    yield Figure(
        "deaf", "commit to the other windows, p99", "ms", beside[0], alone[0], "ms without it", 20.0,
    )  # fmt: skip


def _flow(server: FakeServer, daemon: BenchDaemon, changes: int, deaf_windows: int) -> tuple[float, float]:
    """Let so many changes pass; p99 in the reading windows, and the memory while all are attached."""
    with ExitStack() as stack:
        crowd = Crowd(stack, daemon.socket, 4, deaf_windows)
        crowd.begin(changes)
        server.ask(f"pace {_messages(changes)} {RATE // 2} plain", "sent")
        _middle, late, _worst, _rate = crowd.end()
        attached = len(daemon.call("windows.list"))
        if attached != 4 + deaf_windows:
            raise ProgramFailedError(f"{attached} windows are attached instead of {4 + deaf_windows}")
        return late, rss_mb(daemon.pid)
