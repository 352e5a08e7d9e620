# SPDX-License-Identifier: AGPL-3.0-or-later
"""Generated files are committed, and say what the contract says."""

from __future__ import annotations

from devkit import generate


def test_generated_files_are_current() -> None:
    stale = [
        str(path)
        for path, text in generate.outputs().items()
        if not path.exists() or path.read_text() != text
    ]
    assert not stale, f"stale: {stale}; renew them with: make generated"
