# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp`` in this process against a real engine behind a real Unix socket, which runs in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from salut.bridge.unix import UnixBinding
from salut.model import moment
from salut.plugins.history.api import History, NewMessage
from tests.cli.conftest import Jp
from tests.engine_kit import EngineKit, running_engine

ME = "juliet@capulet.example"
ROMEO = "romeo@montague.example"
ROOM = "orchard@rooms.example"
AT = 1_700_000_000_000_000


class House:
    """An engine with offline profiles and its socket."""

    def __init__(self, folder: Path, socket: Path) -> None:
        self._folder, self._socket = folder, socket
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self.kit: EngineKit
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()
        assert self._ready.wait(20)

    async def _run(self) -> None:
        async with running_engine(self._folder) as kit:
            self.kit = kit
            binding = UnixBinding(kit.engine, self._socket, kit.log)
            await binding.start(None)
            self._ready.set()
            await self._stop.wait()
            await binding.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        self._loop.close()

    def wait(self, work: Any) -> Any:
        """Run a coroutine in the engine's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def call(self, method: str, **params: Any) -> Any:
        return self.wait(self.kit.call(method, **params))

    def profile(self, name: str = "juliet", address: str = ME) -> None:
        self.call("profiles.create", name=name, address=address, password="x", settings={"enabled": False})

    def store(self, profile: str, messages: Sequence[NewMessage]) -> None:
        """Put messages into history, as the server's."""
        history = self.kit.engine.plugins.plugins["history"].port()
        assert history is not None
        port: History = history  # type: ignore[assignment]  # the port's Protocol

        async def commit() -> None:
            await self.kit.engine.journal.commit(profile, lambda tx: port.store(tx, messages))

        self.wait(commit())

    def everything(self, profile: str) -> dict[str, list[dict[str, Any]]]:
        """All messages by conversation."""
        found = {}
        page = self.call("history.conversations", profile=profile, limit=200)
        for conversation in page["items"]:
            address = conversation["address"]
            messages = self.call("history.page", profile=profile, conversation=address, since=0, limit=500)
            assert messages["after"] is None
            found[address] = messages["items"]
        return found


def new(body: str, **more: Any) -> NewMessage:
    """A message of romeo's."""
    given = {"conversation": ROMEO, "sender": f"{ROMEO}/orchard", "at": AT, **more}
    return NewMessage(body=body, **given)


def told(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[tuple[str, str]]]:
    """Who said what, by conversation, in order."""
    return {
        address: [("me" if m.get("outgoing") else m["sender"], m["body"]) for m in messages]
        for address, messages in found.items()
    }


def plain(value: object) -> Any:
    return msgspec.to_builtins(value)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("SALUT_RUNTIME", str(folder))
    monkeypatch.delenv("SALUT_PROFILE", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LANGUAGE", "C")
    time.tzset()
    return folder


@pytest.fixture
def house(runtime: Path, tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "engine", runtime / "bridge.sock")
    yield made
    made.close()


@pytest.fixture
def jp(runtime: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Jp:
    return Jp(capsys, monkeypatch)


@pytest.fixture
def now() -> int:
    return moment.now()
