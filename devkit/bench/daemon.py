# SPDX-License-Identifier: AGPL-3.0-or-later
"""The real daemon, ``python -m salut.daemon``, on a folder of its own."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Self

from devkit.bench.processes import PATIENCE, cpu_seconds, rss_mb, settled_rss_mb
from devkit.bench.window import RawWindow
from devkit.process import GuardedProcess, ProgramFailedError


class BenchDaemon:
    """Started by ``start``, ended by ``close``; the folder stays. Socket paths are short: so must ``folder`` be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: GuardedProcess | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Where it keeps its things: also for ``jp``."""
        return {"SALUT_STATE": str(self.folder / "state"), "SALUT_RUNTIME": str(self.folder / "run")}

    @property
    def socket(self) -> Path:
        """Where windows connect."""
        return self.folder / "run" / "bridge.sock"

    @property
    def database(self) -> Path:
        """The store."""
        return self.folder / "state" / "salut.db"

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start it; the seconds from its spawn to its first answer."""
        begin = time.perf_counter()
        self._process = GuardedProcess(
            [sys.executable, "-m", "salut.daemon"],
            log=self.folder / "daemon.log", cwd=self.folder, env=self.environment,
        )  # fmt: skip
        while True:
            try:
                with RawWindow(self.socket) as window:
                    window.call("daemon.info")
                    return time.perf_counter() - begin
            except (FileNotFoundError, ConnectionError):
                if not self._process.running or time.perf_counter() - begin > PATIENCE:
                    said = self._process.last_output()
                    self.close()
                    raise ProgramFailedError(f"the daemon did not start: {said}") from None
                time.sleep(0.002)

    def window(self) -> RawWindow:
        """A fresh connection."""
        return RawWindow(self.socket)

    def call(self, method: str, **params: object) -> Any:
        """One call over a connection of its own."""
        with self.window() as window:
            return window.call(method, **params)

    def add(self, name: str, address: str, password: str, **settings: object) -> None:
        """Create a profile; if it is enabled (default), wait until it is online and known to be available."""
        self.call("profiles.create", name=name, address=address, password=password, settings=settings)
        if settings.get("enabled", True):
            self.call("profiles.connect", profile=name, wait=30.0)

    @property
    def cpu(self) -> float:
        """Seconds so far."""
        return cpu_seconds(self.pid)

    @property
    def rss(self) -> float:
        """MB now."""
        return rss_mb(self.pid)

    def settled_rss(self) -> float:
        """MB, when it changes no more."""
        return settled_rss_mb(self.pid)

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
