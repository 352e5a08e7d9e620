# SPDX-License-Identifier: AGPL-3.0-or-later
"""Windows that read as fast as they can: several connections in one light process.

``python -m devkit.bench.watchers SOCKET COUNT [--deaf N]`` attaches COUNT windows (and N that never read
after that) and prints ``attached``. Commands:

- ``expect N NAME``: prints ``done SECONDS`` once each window got N further changes of kind NAME.
- ``timed N``: the same for N changes of any kind; prints ``done SECONDS`` and then ``latency COUNT P50 P99 MAX``:
  milliseconds from ``at``, the commit's own time, to the arrival in a window, and ``rate CHANGES/S``.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable

import msgspec

from devkit.bench.report import percentile

ATTACH = b'{"jsonrpc":"2.0","id":1,"method":"attach","params":{"window":{"name":"bench","kind":"bench"}}}\n'


class Seen(msgspec.Struct, frozen=True):
    """Of a change, what is measured."""

    at: int


class Told(msgspec.Struct, frozen=True):
    """Of ``changes``, the same."""

    changes: list[Seen] = []


class Line(msgspec.Struct, frozen=True):
    """Of a notification, the same."""

    params: Told = Told()


_decode = msgspec.json.Decoder(Line).decode
CHANGES = b'"method":"changes"'
ALIVE = b'{"jsonrpc":"2.0","id":2,"method":"ping","params":{}}\n'
ALIVE_SECONDS = 10.0  # the daemon ends a connection that says nothing for 45


class Watch:
    """One window."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.socket.sendall(ATTACH)
        self.rest = b""
        self.got = 0
        while b'"id":1,"result"' not in self.rest:
            data = self.socket.recv(262_144)
            if not data:
                raise ConnectionError("not attached")
            self.rest = (self.rest + data) if b"\n" not in data else data
        self.rest = self.rest.rpartition(b"\n")[2]

    def lines(self) -> list[bytes]:
        """What came, whole lines."""
        data = self.socket.recv(1_048_576)
        if not data:
            raise ConnectionError("the daemon ended the connection")
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines


class Watchers:
    """All windows of this process."""

    def __init__(self, path: str, count: int, deaf: int) -> None:
        self.deaf = [Watch(path) for _ in range(deaf)]
        self.windows = [Watch(path) for _ in range(count)]
        self.selector = selectors.DefaultSelector()
        for window in self.windows:
            self.selector.register(window.socket, selectors.EVENT_READ, window)

    def stay(self) -> None:
        """Show the daemon now and then that we live."""
        while True:
            time.sleep(ALIVE_SECONDS)
            for window in self.windows:
                window.socket.sendall(ALIVE)

    def expect(self, number: int, name: str) -> None:
        """Read until each window has so many changes of a kind."""
        mark = f'"name":"{name}"'.encode()
        self._until(number, lambda line: line.count(mark) if CHANGES in line else 0)

    def timed(self, number: int) -> None:
        """Read until each window has so many changes, and note how old each is."""
        ages: list[float] = []

        def take(line: bytes) -> int:
            if CHANGES not in line:
                return 0
            now = time.time_ns() // 1000
            changes = _decode(line).params.changes
            ages.extend((now - change.at) / 1000 for change in changes)
            return len(changes)

        took = self._until(number, take)
        spread = (percentile(ages, 0.5), percentile(ages, 0.99), max(ages))
        say(f"latency {len(ages)} {' '.join(f'{age:.3f}' for age in spread)}")
        say(f"rate {len(ages) / len(self.windows) / took:.0f}")

    def _until(self, number: int, take: Callable[[bytes], int]) -> float:
        for window in self.windows:
            window.got = 0
        left = len(self.windows)
        begin = 0.0
        while left:
            ready = self.selector.select(60.0)
            if not ready:
                raise TimeoutError(
                    f"nothing came; still waiting: {[w.got for w in self.windows]} of {number}"
                )
            begin = begin or time.perf_counter()
            for key, _events in ready:
                watch: Watch = key.data
                before = watch.got
                for line in watch.lines():
                    watch.got += take(line)
                left -= before < number <= watch.got
        took = time.perf_counter() - begin
        say(f"done {took:.6f}")
        return took


def say(line: str) -> None:
    """To whoever started us."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Attach and obey."""
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("count", type=int)
    parser.add_argument("--deaf", type=int, default=0)
    options = parser.parse_args()
    watchers = Watchers(options.socket, options.count, options.deaf)
    say("attached")
    threading.Thread(target=watchers.stay, daemon=True).start()
    for line in sys.stdin:
        try:
            match line.split():
                case ["expect", number, name]:
                    watchers.expect(int(number), name)
                case ["timed", number]:
                    watchers.timed(int(number))
        except (ConnectionError, TimeoutError) as error:
            say(f"error {error}")


if __name__ == "__main__":
    main()
