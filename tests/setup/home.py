# SPDX-License-Identifier: AGPL-3.0-or-later
"""A person's home for tests of the command ``salut``, and a terminal to type at."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

from salut.client import wire
from salut.model.errors import SalutError

BOUND = 30.0  # seconds that a test waits for what it expects
SALUT = (sys.executable, "-m", "salut.frontends.setup")


class Home:
    """Folders that nobody else uses, and the daemon that somebody may start on them."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.runtime = folder / "run"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("SALUT_", "XDG_"))},
            "HOME": str(folder),
            "SALUT_STATE": str(self.state),
            "SALUT_RUNTIME": str(self.runtime),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "120",
            "NO_COLOR": "1",
        }

    @property
    def socket(self) -> str:
        return str(self.runtime / "bridge.sock")

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """``salut WORDS`` without a terminal."""
        return subprocess.run(
            [*SALUT, *words],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=2 * BOUND,
        )

    def terminal(self, *words: str) -> Terminal:
        """``salut WORDS`` at a terminal."""
        return Terminal([*SALUT, *words], self.environment)

    def call(self, method: str, **params: object) -> object:
        """Ask the daemon, which runs."""
        with wire.connect(self.socket, start=False) as connection:
            value: object = connection.call(method, params).value
            return value

    def profiles(self) -> dict[str, dict[str, object]]:
        """What profiles there are, by name."""
        found = self.call("profiles.list")
        assert isinstance(found, list)
        return {profile["name"]: profile for profile in found}

    def wait_for_link(self, profile: str, state: str) -> None:
        """Wait until a profile's link is in this state."""
        end = time.monotonic() + BOUND
        while True:
            link = self.profiles()[profile]["link"]
            assert isinstance(link, dict)
            if link.get("state") == state:
                return
            assert time.monotonic() < end, link
            time.sleep(0.02)

    def start_daemon(self) -> None:
        """Have the daemon run, as ``jp`` would."""
        self.runtime.mkdir(mode=0o700, exist_ok=True)
        saved = {name: os.environ.get(name) for name in ("SALUT_STATE", "SALUT_RUNTIME")}
        os.environ.update({name: self.environment[name] for name in saved})
        try:
            wire.connect(self.socket, start=True).close()
        finally:
            for name, value in saved.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def end(self) -> None:
        """End the daemon, if one runs, and wait until it is gone."""
        with contextlib.suppress(SalutError):
            self.call("daemon.stop")
        if not (self.state / "salut.lock").exists():
            return
        with (self.state / "salut.lock").open("r+") as lock:
            end = time.monotonic() + BOUND
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > end:
                        os.kill(int(lock.read()), signal.SIGKILL)
                        raise AssertionError("the daemon did not end; killed") from None
                    time.sleep(0.02)
                else:
                    return


class Terminal:
    """A program at a pseudo-terminal: wait for what it shows, type."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self._fresh = ""
        self.shown = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait until something that was not yet expected matches. ``AssertionError`` where it does not come."""
        end = time.monotonic() + BOUND
        while (found := re.search(pattern, self._fresh)) is None:
            if not self._read(end - time.monotonic()):
                raise AssertionError(f"{pattern!r} did not come; shown was:\n{self.shown}")
        self._fresh = self._fresh[found.end() :]
        return found

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._master, f"{text}\n".encode())

    def ended(self) -> int:
        """Read on until the program ends; its exit code."""
        end = time.monotonic() + BOUND
        while self._read(end - time.monotonic()):
            pass
        return self._process.wait(timeout=max(1.0, end - time.monotonic()))

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            text = os.read(self._master, 65536).decode(errors="replace").replace("\r\n", "\n")
        except OSError:  # how Linux says that the other side is closed
            return False
        self._fresh += text
        self.shown += text
        return bool(text)
