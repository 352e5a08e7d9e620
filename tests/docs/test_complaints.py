# SPDX-License-Identifier: AGPL-3.0-or-later
"""``docs/complaints.md`` names tests that there are, and every test that is named after a complaint is in it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "complaints.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| ([CR]\d+) \|.*\| `(test_\w+)` \|$", PAGE, re.MULTILINE)
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def named_after(test: str) -> set[str]:
    """The complaints and requests in a test's name, as ``C5``."""
    found: set[str] = set()
    for word in test.removeprefix("test_").split("_"):
        if not re.fullmatch(r"[cr]\d{1,2}", word):
            break
        found.add(f"{word[0].upper()}{int(word[1:])}")
    return found


def test_each_line_has_its_test() -> None:
    assert len(LINES) > 25
    for number, test in LINES:
        assert test in DEFINED, f"{number}: there is no {test}"
        assert number in named_after(test), f"{test} is not named after {number}"


def test_each_test_that_is_named_after_one_stands_here() -> None:
    listed = {number for number, _test in LINES}
    for test in DEFINED:
        assert named_after(test) <= listed, test
