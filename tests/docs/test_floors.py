# SPDX-License-Identifier: AGPL-3.0-or-later
"""What import-linter cannot say of the floors: plugins know each other by their contracts alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "src/salut/plugins"
IMPORT = re.compile(r"^\s*(?:from|import) salut\.plugins\.(\w+)(?:\.(\w+))?", re.MULTILINE)


@pytest.mark.parametrize(
    "plugin", sorted(path.name for path in PLUGINS.iterdir() if (path / "api.py").exists())
)
def test_a_plugin_imports_others_only_through_their_contracts(plugin: str) -> None:
    for path in (PLUGINS / plugin).glob("*.py"):
        for other, module in IMPORT.findall(path.read_text("utf-8")):
            assert other == plugin or module == "api", f"{path.name} imports {other}.{module}"
