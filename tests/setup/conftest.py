# SPDX-License-Identifier: AGPL-3.0-or-later
"""Homes for tests of the command ``salut``."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.setup.home import Home


@pytest.fixture
def home() -> Iterator[Home]:
    """An empty home; its daemon ends with the test. In a short folder, for the socket's path."""
    folder = Path(tempfile.mkdtemp(prefix="salut-test-"))
    home = Home(folder)
    try:
        yield home
    finally:
        home.end()
        shutil.rmtree(folder)
