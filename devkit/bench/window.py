# SPDX-License-Identifier: AGPL-3.0-or-later
"""A window made of as little as possible: a blocking socket, lines, and a clock."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any, Self

SECONDS = 60.0


class CallError(RuntimeError):
    """The daemon answered with an error."""


class RawWindow:
    """One connection to the daemon. ``took`` and ``size`` are of the last answer: seconds and bytes."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        try:
            self._socket.connect(str(path))
            self._number = 0
            self._rest = b""
            self.took = 0.0
            self.size = 0
            self._line()  # hello
        except BaseException:
            self._socket.close()
            raise

    def _line(self) -> bytes:
        parts = [self._rest]
        while b"\n" not in parts[-1]:
            data = self._socket.recv(262_144)
            if not data:
                raise ConnectionError("the daemon ended the connection")
            parts.append(data)
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line

    def raw(self, method: str, params: dict[str, object]) -> bytes:
        """Call; the answer's line, changes that come before it are skipped."""
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        data = json.dumps(request).encode() + b"\n"
        mark = b'{"jsonrpc":"2.0","id":%d,' % self._number
        begin = time.perf_counter()
        self._socket.sendall(data)
        while not (line := self._line()).startswith(mark):
            pass
        self.took = time.perf_counter() - begin
        self.size = len(line) + 1
        return line

    def call(self, method: str, **params: object) -> Any:
        """Call; the ``value`` of the reply (the whole result of ``attach``). Raises ``CallError``."""
        answer = json.loads(self.raw(method, params))
        if "error" in answer:
            raise CallError(f"{method}: {answer['error']['message']}")
        result = answer["result"]
        return result if method == "attach" else result.get("value")

    def attach(self, conversations: int = 20) -> Any:
        """Attach as a window does."""
        return self.call("attach", window={"name": "bench"}, conversations=conversations)

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
