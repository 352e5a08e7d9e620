# SPDX-License-Identifier: AGPL-3.0-or-later
"""What ``jp`` imports where speed is promised. Measured figures are the bench's; this is why they hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.fake_daemon import FakeDaemon
from tests.cli.test_commands import ALICE, BOB, message, plain

HEAVY = {
    "argparse", "asyncio", "collections", "dataclasses", "datetime", "enum", "functools", "gettext",
    "importlib", "inspect", "json", "msgspec", "pathlib", "re", "selectors", "socket", "subprocess", "typing",
}  # fmt: skip
REPORT = """
import sys
before = set(sys.modules)
from salut.frontends.cli.entry import main
code = main(sys.argv[1:])
sys.stderr.write("\\n".join(sorted(set(sys.modules) - before)))
sys.exit(code)
"""


def imported(runtime: Path, *words: str, stdin: bytes = b"") -> set[str]:
    environment = {**os.environ, "SALUT_RUNTIME": str(runtime)}
    ran = subprocess.run(
        [sys.executable, "-c", REPORT, *words], input=stdin, capture_output=True, env=environment, timeout=60
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return set(ran.stderr.decode().split())


def test_version_imports_next_to_nothing(runtime: Path) -> None:
    assert imported(runtime, "--version") <= {
        "__future__", "salut", "salut.frontends", "salut.frontends.cli", "salut.frontends.cli.entry",
    }  # fmt: skip


def test_c09_send_imports_nothing_heavy(runtime: Path, daemon: FakeDaemon) -> None:
    daemon.answers["profiles.list"] = lambda _: plain([ALICE])
    daemon.answers["chat.send"] = lambda params: plain(
        message(1, params["body"], outgoing=True, state="sent")
    )
    for words in (("send", BOB, "Hi", "--wait", "server"), ("send", BOB)):
        modules = imported(runtime, *words, stdin="Grüße".encode())
        assert "salut.frontends.cli.commands.send" in modules
        assert not HEAVY & modules
        commands = {name for name in modules if name.startswith("salut.frontends.cli.commands.")}
        assert commands == {"salut.frontends.cli.commands.send"}
        assert len(modules) <= 25
    assert len(daemon.calls("chat.send")) == 2
