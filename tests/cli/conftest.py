# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fixtures: a scripted daemon, and ``jp`` run in this process against it."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from salut.frontends.cli.entry import main
from tests.cli.fake_daemon import FakeDaemon


@dataclass
class Outcome:
    """What a run of ``jp`` left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Jp:
    """Runs ``jp`` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._patch = patch

    def __call__(self, *words: str, stdin: bytes = b"") -> Outcome:
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        out, err = self._capsys.readouterr()
        return Outcome(code, out, err)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    monkeypatch.setenv("SALUT_RUNTIME", str(folder))
    monkeypatch.delenv("SALUT_PROFILE", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LANGUAGE", "C")
    time.tzset()
    return folder


@pytest.fixture
def daemon(runtime: Path) -> Iterator[FakeDaemon]:
    fake = FakeDaemon(runtime)
    yield fake
    fake.close()


@pytest.fixture
def jp(runtime: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Jp:
    return Jp(capsys, monkeypatch)
