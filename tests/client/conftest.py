# SPDX-License-Identifier: AGPL-3.0-or-later
"""A runtime folder and a fake daemon for the SDK's tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.client.fake import FakeDaemon


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder as the daemon's: mode 0700, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="salut-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def daemon(runtime: Path) -> AsyncIterator[FakeDaemon]:
    """A fake daemon that listens."""
    fake = FakeDaemon(runtime / "bridge.sock")
    await fake.start()
    yield fake
    await fake.stop()
