# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the tests of the xmpp floor share: a clock that is moved by hand, a line that can be cut, a user."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from salut.model.owner import TaskOwner
from salut.xmpp.config import SessionConfig
from salut.xmpp.decode import Inbound
from salut.xmpp.link import LinkState
from salut.xmpp.secret import Secret
from salut.xmpp.session import Events, Session, Shared


class FakeClock:
    """Moves only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.now

    def boottime(self) -> float:
        return self.now + self.slept

    def wall_us(self) -> int:
        return int((self.now + self.slept) * 1_000_000)


class Notes:
    """A log that is read by tests."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, object]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        def note(event: str, **facts: object) -> None:
            self.lines.append((level, event, facts))

        return note

    def of(self, *levels: str) -> list[tuple[str, dict[str, object]]]:
        """Events of these levels."""
        return [(event, facts) for level, event, facts in self.lines if level in levels]


class Line:
    """A TCP line to a server: it can be cut, or frozen (nothing passes, nobody is told)."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flow = asyncio.Event()
        self._flow.set()
        self.port = 0
        self.connections = 0

    async def __aenter__(self) -> Line:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break all connections, as a pulled plug does."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def freeze(self, frozen: bool) -> None:
        """Let nothing pass, or let it flow again."""
        self._flow.clear() if frozen else self._flow.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, back))
                group.create_task(self._pump(there, writer))
        except* OSError:
            pass
        finally:
            self._writers -= {writer, back}
            writer.transport.abort()
            back.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flow.wait()
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


class User:
    """Somebody with a session, who remembers all that was told."""

    def __init__(
        self, config: SessionConfig, owner: TaskOwner, shared: Shared | None = None, **options: Any
    ) -> None:
        self.states: list[LinkState] = []
        self.sessions: list[bool] = []
        self.acked: list[str] = []
        self.lost: list[str] = []
        self.messages: list[Inbound] = []
        self.log = Notes()
        self.store: Callable[[Inbound], Awaitable[object] | None] = lambda _: None
        self._news = asyncio.Event()
        self.session = Session(
            config,
            Events(
                state=lambda state: self._note(self.states.append, state),
                message=self._message,
                session=lambda resumed: self._note(self.sessions.append, resumed),
                acked=lambda keys: self._note(self.acked.extend, keys),
                lost=lambda keys: self._note(self.lost.extend, keys),
            ),
            owner=owner,
            log=self.log,
            shared=shared or Shared.fresh(),
            **options,
        )

    def _note(self, keep: Callable[[Any], object], value: object) -> None:
        keep(value)
        self._news.set()

    def _message(self, inbound: Inbound) -> Awaitable[object] | None:
        self._note(self.messages.append, inbound)
        return self.store(inbound)

    @property
    def bodies(self) -> list[object]:
        """What was written in the messages, in order."""
        return [m.parts["body"] for m in self.messages if "body" in m.parts]

    @property
    def stages(self) -> list[str]:
        """The names of the states."""
        return [state.state for state in self.states]

    async def until(self, what: Callable[[], object], within: float = 10.0) -> None:
        """Wait until ``what()`` is true."""
        try:
            async with asyncio.timeout(within):
                while not what():
                    self._news.clear()
                    with contextlib.suppress(TimeoutError):  # some facts are not announced
                        await asyncio.wait_for(self._news.wait(), 0.05)
        except TimeoutError:
            raise AssertionError(
                f"not within {within} s; states {self.states[-3:]}, log {self.log.lines[-5:]}"
            ) from None

    async def online(self, sessions: int = 1) -> None:
        """Wait until the n-th session stands."""
        await self.until(lambda: len(self.sessions) >= sessions and self.session.state.state == "online")


@asynccontextmanager
async def users() -> AsyncIterator[Callable[..., User]]:
    """Makes users; stops their sessions at the end and fails if a task of theirs failed."""
    failures: list[str] = []
    owner = TaskOwner(lambda name, error: failures.append(f"{name}: {error!r}"))
    made: list[User] = []

    def make(config: SessionConfig, **options: Any) -> User:
        made.append(User(config, owner, **options))
        return made[-1]

    try:
        yield make
    finally:
        for user in made:
            await user.session.stop()
        await owner.close()
    assert not failures


def config_for(account: tuple[str, str], ca_file: Path | str, port: int, **more: Any) -> SessionConfig:
    """The configuration of an account on a loopback server."""
    jid, password = account
    options = {"host": "127.0.0.1", "port": port, "ca_file": str(ca_file)} | more
    return SessionConfig(jid=jid, password=Secret(password), **options)
