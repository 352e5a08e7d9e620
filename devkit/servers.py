# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every test server offers, whichever program it is."""

from __future__ import annotations

import itertools
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol, Self, runtime_checkable

from devkit.ca import TestAuthority, write_authority
from devkit.ports import PortPool
from devkit.process import GuardedProcess, ProgramFailedError


class Account(NamedTuple):
    """A registered account: bare address and password."""

    jid: str
    password: str


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a test server is set up.

    ``mam``: archive for accounts and rooms. ``archive_page``: most messages in one archive page (prosody;
    ejabberd's own limit stands). ``hibernation``: seconds that a cut XEP-0198 session waits to be resumed.
    ``room_locking``: a new room stays locked until its creator configures it (prosody's default; ejabberd
    never locks). ``muc_modules``: more modules for rooms (prosody; those of Debian's prosody-modules too).
    ``sql_archive``: archives lie in SQLite, which holds more than 10,000 messages of an account (prosody).
    ``extra``: lines for the end of the global configuration, in the server's own language.
    """

    mam: bool = True
    archive_page: int = 50
    hibernation: int = 300
    room_locking: bool = True
    sql_archive: bool = False
    muc_modules: tuple[str, ...] = ()
    debug_log: bool = False
    extra: str = ""


@runtime_checkable
class XmppServer(Protocol):
    """A private, rootless XMPP server on loopback. All ports are on 127.0.0.1 (and ::1)."""

    @property
    def kind(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def muc(self) -> str: ...
    @property
    def c2s_port(self) -> int: ...
    @property
    def tls_port(self) -> int: ...
    @property
    def s2s_port(self) -> int: ...
    @property
    def ca_file(self) -> Path: ...
    @property
    def running(self) -> bool: ...
    @property
    def pid(self) -> int: ...

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def register(self, user: str, password: str) -> str: ...
    def register_many(self, prefix: str, count: int, password: str) -> list[str]: ...
    def account(self, name: str = "user") -> Account: ...


class PrivateServer(ABC):
    """The life of a server process with its folder, ports and certificates.

    ``folder`` holds all of its state, which survives ``stop``, ``kill`` and ``restart``, as do the ports.
    ``start`` returns when clients can connect; it raises ``ProgramMissingError`` or ``ProgramFailedError``.
    Use it as a context manager, or call ``close`` at the end: that also gives the ports back.
    """

    kind: ClassVar[str]
    ready_within: float = 60.0

    def __init__(
        self,
        folder: Path,
        *,
        domain: str = "localhost",
        options: ServerOptions | None = None,
        authority: TestAuthority | None = None,
    ) -> None:
        """``authority`` lets servers share a test CA; its certificate must name ``domain``."""
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.domain = domain
        self.muc = f"muc.{domain}"
        self.options = options or ServerOptions()
        self.authority = authority or write_authority(self.folder / "ca", [domain])
        self._pool = PortPool()
        self.c2s_port, self.tls_port, self.s2s_port = (self._pool.take() for _ in range(3))
        self._process: GuardedProcess | None = None
        self._counter = itertools.count(1)
        self._run = secrets.token_hex(3)

    @property
    def ca_file(self) -> Path:
        """The test CA's certificate, PEM."""
        return self.authority.ca_file

    @property
    def log_file(self) -> Path:
        return self.folder / f"{self.kind}.log"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """The server's process id. Raises ``ProgramFailedError`` if it does not run."""
        if self._process is None or not self._process.running:
            raise ProgramFailedError(f"{self.kind} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start, and return once the server accepts clients. Does nothing if it runs."""
        if self.running:
            return
        self._write_configuration()
        process = self._launch()
        try:
            process.wait_for_ports(self._ready_ports(), self.ready_within)
        except ProgramFailedError as error:
            raise ProgramFailedError(f"{self.kind} did not start: {error}\n{self._log_end()}") from error
        except BaseException:
            process.end(patience=0)
            raise
        self._process = process

    def stop(self) -> None:
        """End the server in order, as an administrator would."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def kill(self) -> None:
        """End the server as a power cut would."""
        if self._process is not None:
            self._process.end(patience=0)
            self._process = None

    def restart(self) -> None:
        """Stop and start again: same ports, same data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop, and give the ports back."""
        self.stop()
        self._pool.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def account(self, name: str = "user") -> Account:
        """Register a new account that no other test has; its name begins with ``name``."""
        user = f"{name}-{self._run}{next(self._counter)}"
        password = secrets.token_urlsafe(12)
        return Account(self.register(user, password), password)

    def register_many(self, prefix: str, count: int, password: str) -> list[str]:
        """Register ``prefix`` + 0, 1, … with one password; returns their addresses."""
        return [self.register(f"{prefix}{number}", password) for number in range(count)]

    @abstractmethod
    def register(self, user: str, password: str) -> str:
        """Register ``user``; returns the bare address. ``user`` is a local part in its normal form."""

    @abstractmethod
    def _write_configuration(self) -> None: ...

    @abstractmethod
    def _launch(self) -> GuardedProcess: ...

    @abstractmethod
    def _ready_ports(self) -> list[int]: ...

    def _log_end(self) -> str:
        return self.log_file.read_text(errors="replace")[-4000:] if self.log_file.exists() else ""
