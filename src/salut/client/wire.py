# SPDX-License-Identifier: AGPL-3.0-or-later
"""The light face of the SDK: one synchronous connection, for programs that must start fast.

It imports neither asyncio nor msgspec nor ``socket``: a call to a running daemon costs a process about
one millisecond more than Python's own start. Values are plain dicts; the typed faces are
``salut.client.aio`` and ``salut.client.sync``.
"""

from __future__ import annotations

import _socket
import os
from time import monotonic, sleep

from salut.bridge import paths
from salut.client import lines
from salut.model.errors import SalutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from salut.client.lines import Parsed

CALL_SECONDS = 30.0  # default bound of a call
START_SECONDS = 10.0  # bound of starting the daemon
BUSY_SECONDS = 5.0  # bound of waiting for a place in the queue of its socket
CHUNK = 1 << 16


def new_op() -> str:
    """An id for a write, that makes it repeatable for 24 hours: 32 hexadecimal digits."""
    return os.urandom(16).hex()


class Reply:
    """What a contract method answered: ``value`` (plain JSON) and ``seq`` (journal -> where it shows)."""

    __slots__ = ("seq", "value")

    def __init__(self, value: Any, seq: dict[str, int]) -> None:
        self.value = value
        self.seq = seq


def open_socket(path: str, timeout: float | None = None) -> _socket.socket:
    """Connect to a daemon's socket. ``OSError``: nothing listens; ``SalutError``: its folder is not safe."""
    paths.check_length(path)
    if not paths.check_folder(os.path.dirname(path) or "."):  # noqa: PTH120 - pathlib is too slow here
        raise FileNotFoundError(path)
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)  # not inherited (PEP 446)
    try:
        sock.settimeout(timeout)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def connect(
    path: str | None = None,
    *,
    start: bool = True,
    timeout: float = CALL_SECONDS,
    command: Sequence[str] | None = None,
) -> Connection:
    """Connect to the daemon, starting it (at most 10 s) when nothing answers and ``start`` is given.

    ``path`` is the socket's (default: the protocol's rule); ``timeout`` the default bound of calls in
    seconds; ``command`` what to start instead of ``python -m salut.daemon``.
    Raises ``SalutError('no-daemon')`` with the reason, ``denied`` where the socket's folder is not safe.
    """
    where = path or paths.socket_path()

    def opened() -> _socket.socket:
        return open_or_start(where, start=start, timeout=timeout, command=command)

    return Connection(opened(), where, timeout, opened)


def open_or_start(
    path: str, *, start: bool, timeout: float | None, command: Sequence[str] | None = None
) -> _socket.socket:
    """The bare connected socket of ``connect``; the same errors."""
    end = monotonic() + BUSY_SECONDS
    while True:
        try:
            return open_socket(path, timeout)
        except (FileNotFoundError, ConnectionRefusedError):
            from salut.client import launch, troubles

            if not start:
                raise troubles.not_running(path) from None
            return launch.start(path, START_SECONDS, command)
        except OSError as error:
            # EAGAIN: the daemon is there, and more clients came at once than its queue holds.
            if not isinstance(error, BlockingIOError) or monotonic() > end:
                from salut.client import troubles

                raise troubles.cut(str(error)) from error
            sleep(0.005)


class Connection:
    """One connection. Not for several threads at once; use as a context manager or call ``close``."""

    def __init__(
        self,
        sock: _socket.socket,
        path: str,
        timeout: float = CALL_SECONDS,
        reopen: Callable[[], _socket.socket] | None = None,
    ) -> None:
        self.path = path
        self.timeout = timeout
        self._reopen = reopen
        self._last_id = 0
        self._begin(sock)

    def _begin(self, sock: _socket.socket) -> None:
        self._sock = sock
        self._buffer = b""
        self._parts: list[bytes] = []
        self._hello: Parsed | None = None
        self._waiting: list[Parsed] = []  # notifications that came while an answer was awaited
        self._open: dict[int, Parsed | None] = {}  # requests without an answer yet, or with one not collected

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection. May be called twice."""
        self._sock.close()

    def fileno(self) -> int:
        """For ``select``; note that lines may wait in this object's own buffer."""
        return self._sock.fileno()

    def hello(self, timeout: float | None = None) -> Parsed:
        """What the daemon said of itself (``salut.api.wire.Hello`` as a dict); waits for it."""
        end = monotonic() + (self.timeout if timeout is None else timeout)
        while self._hello is None:
            self._handle(self._line(end, "hello"))
        return self._hello

    def call(
        self, method: str, params: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> Reply:
        """Call a contract method and wait for its reply.

        A write should carry an ``op`` (``new_op``): if the connection is lost before the answer, it is
        then sent once more on another one. Raises the daemon's ``SalutError``; ``timeout`` after
        ``timeout`` seconds; ``no-daemon`` when the connection is lost.
        """
        try:
            result = self.request(method, params, timeout)
        except SalutError as error:
            if error.code != "no-daemon" or self._reopen is None or "op" not in (params or {}):
                raise
            self._sock.close()
            self._begin(self._reopen())
            result = self.request(method, params, timeout)
        if not isinstance(result, dict):
            return Reply(None, {})
        return Reply(result.get("value"), result.get("seq") or {})

    def request(
        self, method: str, params: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> Any:
        """Call a bridge method (``attach``, ``ping``, ``focus``): its result is plain. Errors as ``call``."""
        return self.collect(self.submit(method, params), method, timeout)

    def submit(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request and go on; ``collect`` the answers of several in any order."""
        self._last_id += 1
        self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": dict(params or {})})
        self._open[self._last_id] = None
        return self._last_id

    def collect(self, number: int, method: str = "", timeout: float | None = None) -> Any:
        """The plain result of what ``submit`` sent. Errors as ``request``."""
        seconds = self.timeout if timeout is None else timeout
        end = monotonic() + seconds
        try:
            while (message := self._open[number]) is None:
                self._handle(self._line(end, method or "request", seconds))
        finally:
            self._open.pop(number, None)
        if "error" in message:
            raise lines.error_of(message["error"])
        return message.get("result")

    def notifications(self, timeout: float | None = None) -> Iterator[tuple[str, Parsed]]:
        """What the daemon tells after ``attach``: ``(method, params)``, one after another.

        ``changes``, ``passing`` and ``start`` as in the protocol. ``timeout`` bounds the wait for each in
        seconds (none: for ever). Ends with ``SalutError``: ``timeout``, or ``no-daemon`` (``data.goodbye``
        holds the daemon's reason where it gave one).
        """
        while True:
            end = None if timeout is None else monotonic() + timeout
            while not self._waiting:
                self._handle(self._line(end, "", timeout or 0.0))
            message = self._waiting.pop(0)
            yield message["method"], message.get("params") or {}

    def _handle(self, message: Parsed) -> None:
        """Take what is not the awaited answer: hello, goodbye, ping, notifications, an error without id."""
        method = message.get("method")
        if self._hello is None:
            if method == "hello":
                self._hello = lines.check_hello(message.get("params"))
                return
            if method is None and "error" in message and message.get("id") is None:
                raise lines.error_of(message["error"])  # such as to a stranger: cut off before hello
        if method == "goodbye":
            from salut.client import troubles

            params = message.get("params") or {}
            raise troubles.farewell(str(params.get("code", "")), str(params.get("message", "")))
        if method == "ping" and "id" in message:
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": {}})
        elif isinstance(method, str) and "id" not in message:
            self._waiting.append(message)
        elif method is None and message.get("id") in self._open:
            self._open[message["id"]] = message
        # Anything else is an answer that nobody waits for any more (its call timed out).

    def _send(self, message: Parsed) -> None:
        line = lines.encode(message)
        try:
            self._sock.settimeout(self.timeout)
            self._sock.sendall(line)
        except TimeoutError:
            from salut.client import troubles

            raise troubles.no_answer(str(message.get("method", "")), self.timeout) from None
        except OSError as error:
            # The daemon may have said why before it closed: what it wrote is still to be read.
            self._last_words()
            from salut.client import troubles

            raise troubles.cut(str(error)) from error

    def _last_words(self) -> None:
        end = monotonic() + 1.0
        while True:
            self._handle(self._line(end, "goodbye", 1.0))

    def _line(self, end: float | None, awaited: str, seconds: float = 0.0) -> Parsed:
        """The next line, until the moment ``end``."""
        while True:
            line, found, rest = self._buffer.partition(b"\n")
            if found:
                self._buffer = rest
                if self._parts:
                    line = b"".join((*self._parts, line))
                    self._parts.clear()
                return lines.decode(line)
            if self._buffer:
                self._parts.append(self._buffer)  # joined once at the end: a long line costs no squares
            self._buffer = self._receive(end, awaited, seconds)

    def _receive(self, end: float | None, awaited: str, seconds: float) -> bytes:
        from_now = None if end is None else end - monotonic()
        try:
            if from_now is not None and from_now <= 0:
                raise TimeoutError
            self._sock.settimeout(from_now)
            data = self._sock.recv(CHUNK)
        except TimeoutError:
            from salut.client import troubles

            raise (troubles.no_answer(awaited, seconds) if awaited else troubles.quiet(seconds)) from None
        except OSError as error:
            from salut.client import troubles

            raise troubles.cut(str(error)) from error
        size = sum(map(len, self._parts)) + len(data) if self._parts else 0
        if not data or size > lines.MAX_ANSWER:
            from salut.client import troubles

            raise troubles.too_large(size, lines.MAX_ANSWER) if data else troubles.cut()
        return data
