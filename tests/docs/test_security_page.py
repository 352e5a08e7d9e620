# SPDX-License-Identifier: AGPL-3.0-or-later
"""SECURITY.md says what is checked and where: each place and each test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")][1:]


def test_there_is_a_table_and_a_way_to_it() -> None:
    assert len(ROWS) > 30
    assert "SECURITY.md" in (ROOT / "README.md").read_text()
    for what in (
        "carbons",
        "archive results",
        "roster pushes",
        "bookmarks",
        "corrections",
        "reactions",
        "read marks",
    ):
        assert f"Forged {what}" in PAGE


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip() for row in ROWS])
def test_what_a_row_names_exists(row: list[str]) -> None:
    _what, where, tests = row
    source = ""
    for path in re.findall(r"`((?:src|devkit)/[^`]+)`", where):
        source += (ROOT / path).read_text()
    assert source
    for name in re.findall(r"`(\w+)`", where):
        assert re.search(rf"(def|class) {name}\b", source), name
    named = re.findall(r"`(tests/[^`:]+)::(\w+)`", tests)
    assert named
    for path, test in named:
        assert re.search(rf"def {test}\(", (ROOT / path).read_text()), test
