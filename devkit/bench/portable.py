# SPDX-License-Identifier: AGPL-3.0-or-later
"""Section ``portable``: ``jp export`` of a million messages and ``jp import`` of the same into another daemon."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from devkit.bench.daemon import BenchDaemon
from devkit.bench.fill import PROFILE, fill
from devkit.bench.processes import rss_mb
from devkit.bench.report import Figure
from devkit.bench.run import Run
from devkit.process import ProgramFailedError

CONVERSATIONS = 200
LOOK = 0.2  # seconds between two looks at a process's memory


def watched(
    words: list[str], environment: Mapping[str, str], daemon: BenchDaemon
) -> tuple[float, float, float]:
    """Run ``jp``: its seconds, its greatest memory and that of the daemon meanwhile, in MB."""
    program = [sys.executable, str(Path(sys.executable).with_name("jp"))]
    begin, own, theirs = time.perf_counter(), 0.0, 0.0
    pid = os.posix_spawn(program[0], [*program, *words], {**os.environ, **environment})
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        theirs = max(theirs, daemon.rss)
        with contextlib.suppress(ProgramFailedError, OSError):  # it has just ended
            own = max(own, rss_mb(pid))
        time.sleep(LOOK)
    return time.perf_counter() - begin, own, theirs


def portable(run: Run) -> Iterator[Figure]:
    """Messages a second, and memory, out and in."""
    messages = run.scale(1_000_000, 20_000)
    file = run.folder / "all.jsonl"
    with BenchDaemon(run.folder / "d") as daemon:
        fill(daemon, messages, CONVERSATIONS)
        daemon.start()
        for kind in ("jsonl", "mbox"):
            file.unlink(missing_ok=True)
            took, own, theirs = watched(
                ["export", "--format", kind, "-o", str(file)], daemon.environment, daemon
            )
            size = file.stat().st_size / 1e6
            yield Figure(
                "portable", f"jp export to {kind}", "/s", messages / took, least=True,
                note=f"{messages:,} messages, {size:.0f} MB; jp {own:.0f} MB, daemon {theirs:.0f} MB at most",
            )  # fmt: skip
            if kind == "jsonl":
                file.rename(run.folder / "in.jsonl")
    with BenchDaemon(run.folder / "e") as daemon:
        daemon.add(PROFILE, "user@example.org", "secret", enabled=False)
        for name, target in (("new", 20_000.0), ("known", None)):
            cpu = daemon.cpu
            took, own, theirs = watched(["import", str(run.folder / "in.jsonl")], daemon.environment, daemon)
            stored = daemon.call("daemon.info")["messages"]
            yield Figure(
                "portable", f"jp import of jsonl, all {name}", "/s", messages / took, target=target, least=True,
                note=f"{stored:,} stored; jp {own:.0f} MB, daemon {theirs:.0f} MB at most; "
                f"database {_size(daemon):.0f} MB; daemon {(daemon.cpu - cpu) / messages * 1e6:.0f} µs CPU a message",
            )  # fmt: skip


def _size(daemon: BenchDaemon) -> float:
    return sum(part.stat().st_size for part in daemon.database.parent.glob("salut.db*")) / 1e6
