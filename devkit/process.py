# SPDX-License-Identifier: AGPL-3.0-or-later
"""Child processes that end for certain, and waiting for a port to answer."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_POLL = 0.02


class ProgramMissingError(RuntimeError):
    """A program that we need is not installed. The message says how to get it."""


class ProgramFailedError(RuntimeError):
    """A program ended, or did not become ready in time. The message ends with its last output."""


def find_program(name: str, package: str) -> str:
    """The path of ``name``, also where only root has it in PATH. Raises ``ProgramMissingError``."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/usr/sbin"])
    if (found := shutil.which(name, path=search)) is None:
        raise ProgramMissingError(
            f"{name} is not installed: run `make system`, or install Debian's package {package}"
        )
    return found


class GuardedProcess:
    """A child which the kernel kills when this process ends, even by ``kill -9``.

    The kernel ties the child to the *thread* that starts it, so only the main thread may.
    Output goes to the end of the file ``log``.
    """

    def __init__(
        self, command: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str] | None = None
    ) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(
                "start servers from the main thread: they end with the thread that starts them"
            )
        self._log = log
        # setpriv (util-linux, always there on Debian) sets PR_SET_PDEATHSIG and becomes the program.
        guard = [find_program("setpriv", "util-linux"), "--pdeathsig", "KILL"]
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [*guard, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if env is None else {**os.environ, **env},
                start_new_session=True,  # a Ctrl-C in the terminal is ours to act on
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def wait_for_ports(self, ports: Iterable[int], seconds: float) -> None:
        """Return once every port on 127.0.0.1 accepts.

        Raises ``ProgramFailedError``; the child has then ended.
        """
        limit = time.monotonic() + seconds
        for port in ports:
            while not accepts(port):
                if not self.running:
                    raise ProgramFailedError(
                        f"ended with code {self._child.returncode}\n{self.last_output()}"
                    )
                if time.monotonic() > limit:
                    self.end(patience=0)
                    raise ProgramFailedError(f"port {port} not up within {seconds:g} s\n{self.last_output()}")
                time.sleep(_POLL)

    def end(self, patience: float = 10.0) -> None:
        """Ask the child to end, kill it after ``patience`` seconds (at once if 0), and wait for that."""
        if patience > 0 and self.running:
            self._child.terminate()
            try:
                self._child.wait(patience)
            except subprocess.TimeoutExpired:
                pass
            else:
                self._end_group()
                return
        if self.running:
            self._child.kill()
            self._child.wait()
        self._end_group()

    def _end_group(self) -> None:
        """End helpers that the child left in its session."""
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def last_output(self, size: int = 4000) -> str:
        """The end of the log, at most ``size`` characters."""
        return self._log.read_text(errors="replace")[-size:] if self._log.exists() else ""


def accepts(port: int) -> bool:
    """Whether something on 127.0.0.1 accepts a connection to ``port``."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
