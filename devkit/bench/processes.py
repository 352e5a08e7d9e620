# SPDX-License-Identifier: AGPL-3.0-or-later
"""Child processes that talk in lines, and what the kernel knows of a process."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from devkit.process import ProgramFailedError, find_program

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds for a line that should come
_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads so far, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def rss_mb(pid: int) -> float:
    """Resident memory, in MB (2**20 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProgramFailedError(f"process {pid} has no memory: it has ended")


def settled_rss_mb(pid: int, seconds: float = 10.0) -> float:
    """Resident memory once it changes no more (by 0.1 MB in half a second), or after ``seconds``."""
    end = time.monotonic() + seconds
    last = rss_mb(pid)
    while time.monotonic() < end:
        time.sleep(0.5)
        now = rss_mb(pid)
        if abs(now - last) < 0.1:
            return now
        last = now
    return last


class Child:
    """A process of ours that answers commands on its standard input with lines on its standard output.

    It ends with the ``with`` block, and with this process even when that is killed.
    """

    def __init__(self, arguments: Sequence[str], *, env: Mapping[str, str] | None = None) -> None:
        guard = [find_program("setpriv", "util-linux"), "--pdeathsig", "KILL"]
        self._name = " ".join(arguments[:3])
        self._process = subprocess.Popen(
            [*guard, sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )
        self._waiting = b""

    @property
    def pid(self) -> int:
        """Of the program itself: setpriv becomes it."""
        return self._process.pid

    def say(self, line: str) -> None:
        """Write one line."""
        pipe = self._pipe(self._process.stdin)
        pipe.write(line.encode() + b"\n")
        pipe.flush()

    def hear(self, expected: str, seconds: float = PATIENCE) -> list[str]:
        """The words after ``expected`` in the next line that begins with it; ``error`` lines raise."""
        end = time.monotonic() + seconds
        while True:
            words = self._line(expected, end).split()
            if words[:1] == [expected]:
                return words[1:]
            if words[:1] == ["error"]:
                raise ProgramFailedError(f"{self._name}: {' '.join(words[1:])}")

    def ask(self, command: str, expected: str, seconds: float = PATIENCE) -> list[str]:
        """Say, then hear."""
        self.say(command)
        return self.hear(expected, seconds)

    def _line(self, expected: str, end: float) -> str:
        pipe = self._pipe(self._process.stdout)
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while b"\n" not in self._waiting:
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise ProgramFailedError(f"{self._name} did not say “{expected}” in time")
                data = os.read(pipe.fileno(), 65536)
                if not data:
                    raise ProgramFailedError(f"{self._name} ended before it said “{expected}”")
                self._waiting += data
        line, _, self._waiting = self._waiting.partition(b"\n")
        return line.decode()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe(self._process.stdin).close()
        self._pipe(self._process.stdout).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
