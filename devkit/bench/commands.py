# SPDX-License-Identifier: AGPL-3.0-or-later
"""Section ``jp``: whole processes of the command line beside ``python3 -c pass``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from devkit.bench.daemon import BenchDaemon
from devkit.bench.report import Figure, median
from devkit.bench.run import Run
from devkit.bench.servers import PASSWORD, USER, FakeServer
from devkit.ca import write_authority
from devkit.process import ProgramFailedError, ProgramMissingError

PASS = (sys.executable, "-c", "pass")


def whole(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Milliseconds from before the process is made until it has ended. Raises when it fails."""
    begin = time.perf_counter()
    pid = os.posix_spawn(command[0], list(command), environment, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ])  # fmt: skip
    _, status = os.waitpid(pid, 0)
    took = (time.perf_counter() - begin) * 1000
    if status:
        raise ProgramFailedError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return took


def against_pass(
    run: Run, name: str, command: Sequence[str], environment: Mapping[str, str], target: float
) -> Figure:
    """Alternating runs of the command and of the floor."""
    whole(command, environment)
    pairs = [(whole(PASS, environment), whole(command, environment)) for _ in range(max(20, run.repeat(40)))]
    own = [took for _, took in pairs]
    return Figure(
        "jp", name, "ms", median(own), median([floor for floor, _ in pairs]), "ms python3 -c pass", target, "ratio",
        note=f"{len(pairs)} ×; fastest {min(own):.1f} of {min(f for f, _ in pairs):.1f}",
    )  # fmt: skip


def jp(run: Run) -> Iterator[Figure]:
    """``jp --version``, and ``jp send`` to a running daemon whose profile is online."""
    program = Path(sys.executable).with_name("jp")
    if not program.exists():
        raise ProgramMissingError(f"{program} is missing: run `make venv`")
    environment = dict(os.environ)
    yield against_pass(run, "jp --version", [str(program), "--version"], environment, 2.0)
    authority = write_authority(run.folder / "ca")
    with FakeServer(authority, 1) as server, BenchDaemon(run.folder / "d") as daemon:
        daemon.add("u", USER, PASSWORD, **server.settings())
        server.hear("online", 30)
        environment |= daemon.environment
        send = [str(program), "send", "friend@localhost", "hello"]
        yield against_pass(run, "jp send", send, environment, 3.0)
        named = [str(program), "send", "--profile", "u", "friend@localhost", "hello"]
        yield against_pass(run, "jp send --profile", named, environment, 3.0)
