# SPDX-License-Identifier: AGPL-3.0-or-later
"""Debian's profanity, driven by keys in a private terminal (tmux): another people's client to talk to."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Self

from devkit.process import ProgramFailedError, find_program
from devkit.servers import Account, XmppServer

READY = 20.0  # seconds


class Profanity:
    """One running profanity, logged in as ``account``. Use it as a context manager; nothing of it is left.

    It does not look at certificates: its own list of authorities is the machine's.
    """

    def __init__(self, folder: Path, server: XmppServer, account: Account) -> None:
        self._folder = folder.resolve()
        self._account = account
        self._socket = str(self._folder / "tmux")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TMUX", "XDG_"))},
            "HOME": str(self._folder),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
        }
        data = self._folder / ".local/share/profanity"
        data.mkdir(parents=True, exist_ok=True)
        (data / "accounts").write_text(
            f"[me]\nenabled=true\njid={account.jid}\npassword={account.password}\nserver=127.0.0.1\n"
            f"port={server.c2s_port}\nresource=profanity\nmuc.nick=profanity\ntls.policy=trust\n"
        )

    def __enter__(self) -> Self:
        program, self._tmux = find_program("profanity", "profanity"), find_program("tmux", "tmux")
        self._run("new-session", "-d", "-x", "150", "-y", "45", program, "-a", "me")
        try:
            self.wait_for("logged in successfully")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        subprocess.run(
            [self._tmux, "-S", self._socket, "kill-server"],
            env=self._environment,
            capture_output=True,
            timeout=10,
        )

    def _run(self, *words: str) -> str:
        command = [self._tmux, "-S", self._socket, "-f", "/dev/null", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=10)
        if done.returncode:
            raise ProgramFailedError(f"tmux {words[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        self._run("send-keys", "-l", line)
        self._run("send-keys", "Enter")

    @property
    def screen(self) -> str:
        """What is on its screen."""
        return self._run("capture-pane", "-p")

    def wait_for(self, pattern: str, seconds: float = READY) -> str:
        """Wait until the screen shows something that matches; the screen. ``AssertionError`` with it otherwise."""
        end = time.monotonic() + seconds
        while True:
            screen = self.screen
            if re.search(pattern, screen):
                return screen
            if time.monotonic() > end:
                raise AssertionError(f"profanity did not show {pattern!r} in {seconds} s:\n{screen}")
            time.sleep(0.05)  # the screen has no event to wait for
