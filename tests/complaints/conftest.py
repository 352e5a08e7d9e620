# SPDX-License-Identifier: AGPL-3.0-or-later
"""The daemon and ``jp`` as people have them: processes of their own, in a home that nobody else uses."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.servers import Account, XmppServer
from tests.setup.home import BOUND, Home

JP = (sys.executable, "-m", "salut.frontends.cli")


class Desk(Home):
    """A home with ``jp``."""

    def jp(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """What ``jp WORDS`` writes, without a terminal."""
        ran = subprocess.run(
            [*JP, *words],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=4 * BOUND,
        )
        assert ran.returncode == code, f"jp {' '.join(words)}: {ran.returncode}\n{ran.stderr}"
        return ran.stdout if code == 0 else ran.stderr

    def add(self, name: str, account: Account, server: XmppServer) -> None:
        """A profile that is online."""
        self.call(
            "profiles.create",
            name=name,
            address=account.jid,
            password=account.password,
            settings={"host": "127.0.0.1", "port": server.c2s_port, "ca_file": str(server.ca_file)},
        )
        self.call("profiles.connect", profile=name, wait=BOUND)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """An empty one, its daemon running; that ends with the test. In a short folder, for the socket's path."""
    folder = Path(tempfile.mkdtemp(prefix="salut-test-"))
    desk = Desk(folder)
    desk.start_daemon()
    try:
        yield desk
    finally:
        desk.end()
        shutil.rmtree(folder)
