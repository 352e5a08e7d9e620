# SPDX-License-Identifier: AGPL-3.0-or-later
"""Floors of the bridge: the same bytes over a raw Unix socket, from a process that does nothing else.

``python -m devkit.bench.echo echo FD``: answers each line ``N`` with N bytes.
``python -m devkit.bench.echo fan PATH WINDOWS COUNT RATE``: waits for so many connections, answers each one's
first line as ``attach`` is answered, then writes COUNT changes at RATE a second to all of them.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from devkit.bench.processes import ROOT
from devkit.bench.report import median

CHANGE = (
    '{{"jsonrpc":"2.0","method":"changes","params":{{"journal":"u","live":true,"changes":[{{"seq":1,"name":"message",'
    '"key":"1","at":{},"value":"{}"}}]}}}}\n'
)
FILL = "x" * 300


def echo_ms(size: int, times: int = 100) -> float:
    """Median milliseconds of a round trip whose answer has ``size`` bytes."""
    near, far = socket.socketpair(socket.AF_UNIX)
    command = [sys.executable, "-m", "devkit.bench.echo", "echo", str(far.fileno())]
    child = subprocess.Popen(command, pass_fds=[far.fileno()], cwd=ROOT)
    far.close()
    request = b"%d\n" % size
    took = []
    with near:
        for _ in range(times):
            begin = time.perf_counter()
            near.sendall(request)
            left = size
            while left:
                data = near.recv(262_144)
                if not data:
                    raise ConnectionError("the echo ended")
                left -= len(data)
            took.append((time.perf_counter() - begin) * 1000)
    child.wait(10)
    return median(took)


def _echo(fd: int) -> None:
    with socket.socket(fileno=fd) as sock:
        while data := sock.recv(65_536):
            sock.sendall(b"x" * int(data))


def _fan(path: Path, windows: int, count: int, rate: int) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(windows)
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        socks = []
        for _ in range(windows):
            socks.append(server.accept()[0])
            socks[-1].recv(65_536)
            socks[-1].sendall(b'{"jsonrpc":"2.0","id":1,"result":{}}\n')
        sys.stdin.readline()
        begin = time.perf_counter()
        for number in range(count):
            early = begin + number / rate - time.perf_counter()
            if early > 0:
                time.sleep(early)
            line = CHANGE.format(time.time_ns() // 1000, FILL).encode()
            for sock in socks:
                sock.sendall(line)
        sys.stdin.readline()


def main() -> None:
    """As the command line says."""
    match sys.argv[1:]:
        case ["echo", fd]:
            _echo(int(fd))
        case ["fan", path, windows, count, rate]:
            _fan(Path(path), int(windows), int(count), int(rate))
        case _:
            os._exit(2)


if __name__ == "__main__":
    main()
