# SPDX-License-Identifier: AGPL-3.0-or-later
"""A scripted daemon for tests of ``jp``: it speaks docs/reference/protocol.md and answers from a table."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from salut.model.errors import CODES, SalutError

Params = dict[str, Any]
Answer = Callable[[Params], object]
BRIDGE = ("attach", "ping", "focus")


class Talk:
    """One connection as an attach answer sees it: it may send notifications after its answer."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.after: list[dict[str, Any]] = []
        self.hang_up = False

    def write(self, message: dict[str, Any]) -> None:
        self.sock.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


class FakeDaemon:
    """Listens in ``folder``; ``answers`` maps methods to functions of the parameters.

    ``requests`` holds what was asked, in order. A function may raise ``SalutError``. ``attach`` functions
    take the connection too. A method in ``cut_once`` loses its first connection before the answer.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.answers: dict[str, Answer] = {}
        self.attach: Callable[[Params, Talk], object] | None = None
        self.requests: list[tuple[str, Params]] = []
        self.cut_once: set[str] = set()
        self.ending = False
        self.open: list[socket.socket] = []
        self._path = folder / "bridge.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(16)
        self._threads: list[threading.Thread] = []
        self._main = threading.Thread(target=self._accept)
        self._main.start()

    def calls(self, method: str) -> list[Params]:
        """The parameters of all calls of a method, without ``op``."""
        return [
            {k: v for k, v in params.items() if k != "op"} for name, params in self.requests if name == method
        ]

    def stop_listening(self) -> None:
        """As a daemon that ends: its socket goes, connections are closed after their next answer."""
        self.ending = True
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        """End; may be called twice."""
        self.stop_listening()
        for sock in self.open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._main.join(10)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.open.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        talk = Talk(sock)
        hello = {"server": "salut", "version": "0.1.0", "protocol": [1, 0], "instance": "i"}
        hello |= {"capabilities": {}, "auth": ["peer"]}
        try:
            talk.write({"method": "hello", "params": hello})
            for line in sock.makefile("rb"):
                if not self._answer(talk, json.loads(line)):
                    break
        except OSError:
            pass
        finally:
            sock.close()

    def _answer(self, talk: Talk, request: dict[str, Any]) -> bool:
        method, params = request.get("method"), request.get("params", {})
        if method is None:
            return True
        self.requests.append((method, params))
        if method in self.cut_once:
            self.cut_once.discard(method)
            return False
        try:
            if method == "attach":
                assert self.attach is not None
                value = self.attach(params, talk)
            elif method in self.answers:
                value = self.answers[method](params)
            else:
                raise SalutError("unknown-method", f"no {method}")
        except SalutError as error:
            told = {
                "code": CODES[error.code],
                "message": error.message,
                "data": {"code": error.code, **error.data},
            }
            talk.write({"id": request["id"], "error": told})
            return True
        talk.write(
            {"id": request["id"], "result": value if method in BRIDGE else {"value": value, "seq": {}}}
        )
        for message in talk.after:
            talk.write(message)
        talk.after.clear()
        return not (talk.hang_up or self.ending)
