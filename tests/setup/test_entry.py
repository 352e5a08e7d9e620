# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command ``salut`` itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from salut.frontends.setup.entry import main
from tests.setup.home import Home

HEAVY = ("asyncio", "msgspec", "slixmpp", "sqlalchemy", "structlog", "cryptography")
REPORT = """
import sys
from salut.frontends.setup.entry import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code
sys.stderr.write(" ".join(sys.modules))
"""


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["setup", "--help"], ["doctor", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-c", REPORT, *words], capture_output=True, text=True, check=True)
    assert ran.stdout
    assert not set(HEAVY) & set(ran.stderr.split())


@pytest.mark.parametrize(
    "words", [[], ["nonsense"], ["setup", "--port", "0"], ["setup", "--port", "x"], ["service"]]
)
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: salut" in capsys.readouterr().err


def test_daemon_has_its_own_command_line(home: Home) -> None:
    ran = home.run("daemon", "--help")
    assert ran.returncode == 0
    assert "--without" in ran.stdout
