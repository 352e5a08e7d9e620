# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may speak to the daemon: the kernel says whose process it is (SO_PEERCRED)."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest

from salut.bridge.unix import UnixBinding
from tests.engine_kit import running_engine


async def first_line(path: Path) -> dict[str, object]:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        found: dict[str, object] = json.loads(await asyncio.wait_for(reader.readline(), 10))
        if "error" in found:
            assert await asyncio.wait_for(reader.read(), 10) == b"", "and the connection is closed"
        return found
    finally:
        writer.close()
        await writer.wait_closed()


async def test_another_user_is_denied_and_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon is made to believe that it is somebody else's: then we are the stranger."""
    async with running_engine(tmp_path / "state") as kit:
        binding = UnixBinding(kit.engine, tmp_path / "b.sock", kit.log)
        await binding.start()
        try:
            assert (await first_line(tmp_path / "b.sock"))["method"] == "hello"
            own = os.getuid()
            monkeypatch.setattr("salut.bridge.unix.os.getuid", lambda: own + 1)
            refused = await first_line(tmp_path / "b.sock")
            monkeypatch.undo()
            assert refused["id"] is None
            error = refused["error"]
            assert isinstance(error, dict) and error["data"]["code"] == "denied"
        finally:
            await binding.close()


async def test_the_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with running_engine(tmp_path / "state") as kit:
        binding = UnixBinding(kit.engine, tmp_path / "b.sock", kit.log)
        await binding.start()
        try:
            assert stat.S_IMODE((tmp_path / "b.sock").stat().st_mode) == 0o600
        finally:
            await binding.close()
        assert not (tmp_path / "b.sock").exists()
