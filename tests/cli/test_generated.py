# SPDX-License-Identifier: AGPL-3.0-or-later
"""The committed man pages and reference are those of the declaration."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from devkit import manpages


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[Path, str]:
    for name in ("COLUMNS", "LANGUAGE", "SOURCE_DATE_EPOCH"):  # put back after the generator has set them
        monkeypatch.setenv(name, "0")
    return manpages.generated()


def test_generated_files_are_fresh(files: dict[Path, str]) -> None:
    stale = [
        path.name for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text
    ]
    assert not stale, "renew them with: python -m devkit.manpages"
    on_disk = set((manpages.ROOT / "docs" / "man").glob("*.1"))
    assert on_disk == {path for path in files if path.suffix == ".1"}, (
        "remove pages of commands that are gone"
    )


def test_man_pages_are_sound(files: dict[Path, str], tmp_path: Path) -> None:
    groff = shutil.which("groff")
    for path, text in files.items():
        if path.suffix != ".1":
            continue
        assert ".SH EXIT STATUS" in text
        if groff is not None:
            ran = subprocess.run(
                [groff, "-man", "-Tutf8", "-K", "utf-8", "-wall"],
                input=text.encode(),
                capture_output=True,
                timeout=60,
            )
            assert ran.returncode == 0, path
            assert b"error" not in ran.stderr, (path, ran.stderr)
