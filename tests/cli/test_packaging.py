# SPDX-License-Identifier: AGPL-3.0-or-later
"""The installed ``jp`` is the lean script, and it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_script_is_installed_as_jp() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    (source,) = (path for path, name in wheel["shared-scripts"].items() if name == "jp")
    assert "jp" not in project["project"]["scripts"], "pip's stub would take its place"
    text = (ROOT / source).read_text()
    assert text.startswith("#!/usr/bin/env python3\n")  # hatchling has pip put the environment's Python here
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    ran = subprocess.run(
        [sys.executable, str(ROOT / source), "--version"], capture_output=True, text=True, env=environment
    )
    assert (ran.returncode, ran.stdout) == (0, "jp 0.1.0\n")
