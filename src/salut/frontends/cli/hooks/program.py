# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs one program: its input, a bound on its time and on what is kept of its output, and its end."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import IO, cast

from salut.model.words import _

KEPT = 65_536  # bytes of output; what comes before is forgotten
STEP = 0.1  # seconds between two looks whether to stop
GRACE = 2.0  # seconds between the request to end and the kill
DRAIN = 0.5  # seconds for what the program's own children still write after its end


@dataclass(frozen=True)
class Outcome:
    """How it ended. ``exit``: its code, negative for a signal; none: it never ran, or was ended by us.

    ``reason``: words where it failed.
    """

    exit: int | None
    output: str
    reason: str = ""

    @property
    def well(self) -> bool:
        """It ended with 0."""
        return self.exit == 0 and not self.reason


def run(
    command: list[str],
    given: bytes,
    environment: Mapping[str, str],
    timeout: float,
    stopping: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run ``command`` with ``given`` on standard input. Never raises for what the program does, or that it is not."""
    try:
        child = subprocess.Popen(  # noqa: S603 - the person's own command, from a file that is theirs alone
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    except FileNotFoundError:
        return Outcome(None, "", _("there is no program “{}”").format(command[0]))
    except (OSError, ValueError) as error:
        return Outcome(None, "", _("“{}” cannot be run: {}").format(command[0], error))
    with child:
        pipes = _Pipes(child, given)
        try:
            reason = pipes.work(monotonic() + timeout, stopping)
            if reason:
                _end(child)
        finally:
            pipes.close()
    if reason:
        words = _("it took longer than {:g} seconds and was ended").format(timeout)
        return Outcome(
            None, pipes.text(), words if reason == "timeout" else _("it was ended with jp hook run")
        )
    code = child.returncode
    return Outcome(code, pipes.text(), "" if code == 0 else _ended(code))


def _ended(code: int) -> str:
    if code < 0:
        return _("ended by signal {}").format(-code)
    return _("exit status {}").format(code)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask it and its children to end, then make them."""
    for sign, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)


class _Pipes:
    """Feeds and reads a program, whatever it does with its ends."""

    def __init__(self, child: subprocess.Popen[bytes], given: bytes) -> None:
        self._child = child
        self._left = memoryview(given)
        self._kept = bytearray()
        self._stdin = cast("IO[bytes]", child.stdin)
        self._stdout = cast("IO[bytes]", child.stdout)
        self._selector = selectors.DefaultSelector()
        for pipe, event in (
            (self._stdin, selectors.EVENT_WRITE),
            (self._stdout, selectors.EVENT_READ),
        ):
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, event)

    def work(self, end: float, stopping: Callable[[], bool]) -> str:
        """Until the program has ended. Returns why it has to be ended: ``timeout``, ``stop``, or nothing."""
        gone: float | None = None
        while True:
            now = monotonic()
            if gone is None and self._child.poll() is not None:
                gone = now
            if gone is not None and (not self._reading() or now > gone + DRAIN):
                return ""
            if gone is None and now >= end:
                return "timeout"
            if gone is None and stopping():
                return "stop"
            wait = min(STEP, max(end - now, 0.001)) if gone is None else 0.01
            if self._selector.get_map():
                for key, _events in self._selector.select(wait):
                    self._read() if key.fileobj is self._stdout else self._write()
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._child.wait(wait)

    def _reading(self) -> bool:
        return self._stdout in {key.fileobj for key in self._selector.get_map().values()}

    def _write(self) -> None:
        try:
            count = os.write(self._stdin.fileno(), self._left[:65_536]) if self._left else 0
        except (BrokenPipeError, ConnectionResetError):  # it does not want to know
            self._left = self._left[:0]
        except BlockingIOError:
            return
        else:
            self._left = self._left[count:]
        if not self._left:
            self._selector.unregister(self._stdin)
            self._stdin.close()

    def _read(self) -> None:
        try:
            data = os.read(self._stdout.fileno(), 65_536)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(self._stdout)
        self._kept += data
        if len(self._kept) > 2 * KEPT:
            del self._kept[:-KEPT]

    def text(self) -> str:
        """The end of what it wrote."""
        return bytes(self._kept[-KEPT:]).decode("utf-8", "replace")

    def close(self) -> None:
        """Forget the pipes."""
        self._selector.close()
        self._stdin.close()
        self._stdout.close()
