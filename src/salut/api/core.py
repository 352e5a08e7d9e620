# SPDX-License-Identifier: AGPL-3.0-or-later
"""The contract of the engine itself: daemon, profiles, windows, tasks, settings."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, Final

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.link import LinkState
from salut.model.task import Task

ProfileName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One XMPP account. ``name`` never changes; it also names the profile's journal."""

    name: str
    address: str
    enabled: bool
    resource: str = ""
    host: str = ""  # empty: found through DNS
    port: int = 0
    direct_tls: bool = False
    ca_file: str = ""  # on the daemon's machine
    pins: list[str] = []  # accepted certificates, SHA-256 in hexadecimal
    link: LinkState = LinkState()


class ProfileChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to change of a profile: absent fields stay."""

    password: str | None = None
    enabled: bool | None = None
    resource: str | None = None
    host: str | None = None
    port: int | None = None
    direct_tls: bool | None = None
    ca_file: str | None = None
    pins: list[str] | None = None


class DaemonInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers."""

    version: str
    instance: str
    pid: int
    started: int
    profiles: int
    windows: int
    messages: int
    plugins: dict[str, str]  # name -> "ok" or why it is disabled
    trouble: str = ""  # what keeps the daemon from storing, in words; empty when all is well


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """An attached window."""

    id: str
    name: str
    kind: str
    version: str
    since: int
    binding: str
    focused: bool = False
    idle: bool = False
    behind: int = 0  # changes that it has not taken yet


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Something is wrong with the daemon itself. Gone when it is well again."""

    code: str
    message: str
    since: int


class MethodHelp(msgspec.Struct, frozen=True, kw_only=True):
    """One method of the contract, described."""

    name: str
    help: str
    scope: str
    write: bool
    params: dict[str, Any]  # JSON Schema
    result: dict[str, Any]


class KindHelp(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of shared object, described."""

    name: str
    help: str
    key: str
    passing: bool
    snapshot: bool
    value: dict[str, Any]


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """The contract in force, plugins that are loaded included."""

    protocol: tuple[int, int]
    methods: list[MethodHelp]
    kinds: list[KindHelp]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One value that steers the daemon or a plugin. ``rev`` is for ``if_rev``."""

    name: str  # plugin.field
    value: Any
    default: Any
    help: str
    rev: int = 0


Settings = list[Setting]


class DaemonApi(Service):
    """The daemon itself."""

    service = "daemon"

    @method()
    @abstractmethod
    async def info(self) -> DaemonInfo:
        """Version, process and counts."""

    @method()
    @abstractmethod
    async def describe(self) -> Description:
        """The contract in force, with JSON Schema for parameters and results."""

    @method(scope="admin")
    @abstractmethod
    async def stop(self) -> None:
        """Leave all servers, store what is left and end. The reply comes before the end."""

    @method(scope="admin")
    @abstractmethod
    async def log(self, *, lines: int = 50) -> list[str]:
        """The newest lines of the daemon's log, oldest first; at most 1,000."""


class ProfilesApi(Service):
    """Accounts: any number, each with a link of its own."""

    service = "profiles"

    @method()
    @abstractmethod
    async def list(self) -> list[Profile]:
        """All profiles that the window may see."""

    @method(scope="admin", write=True)
    @abstractmethod
    async def create(
        self, *, name: ProfileName, address: str, password: str, settings: ProfileChange = ProfileChange()
    ) -> Profile:
        """Add an account, connected if enabled (default). The password is sealed and never leaves the daemon."""

    @method(scope="admin", write=True)
    @abstractmethod
    async def change(self, *, profile: str, settings: ProfileChange) -> Profile:
        """Change an account; a running connection attempt takes the new values at once."""

    @method(scope="admin", write=True)
    @abstractmethod
    async def delete(self, *, profile: str) -> None:
        """Forget an account with all its history on this daemon. The account on the server stays."""

    @method(scope="send", write=True)
    @abstractmethod
    async def connect(self, *, profile: str, wait: float = 0.0) -> Profile:
        """Go online and stay so, or retry at once. ``wait`` seconds (at most 120) for the outcome.

        Raises ``not-connected`` with the reason when ``wait`` ends without success.
        """

    @method(scope="send", write=True)
    @abstractmethod
    async def disconnect(self, *, profile: str) -> Profile:
        """Go offline and stay so; ends a connection attempt at once."""


class WindowsApi(Service):
    """Who is attached."""

    service = "windows"

    @method()
    @abstractmethod
    async def list(self) -> list[Window]:
        """All attached windows."""

    @method(scope="admin")
    @abstractmethod
    async def kick(self, *, window: str) -> None:
        """End a window's connection."""


class TasksApi(Service):
    """Long jobs."""

    service = "tasks"

    @method()
    @abstractmethod
    async def list(self) -> list[Task]:
        """Running jobs and those that ended lately."""

    @method(scope="send")
    @abstractmethod
    async def cancel(self, *, task: str) -> None:
        """Stop a job."""


class SettingsApi(Service):
    """Values that steer the daemon and its plugins."""

    service = "settings"

    @method()
    @abstractmethod
    async def list(self) -> Settings:
        """All settings with their defaults and help."""

    @method(scope="admin", write=True)
    @abstractmethod
    async def set(self, *, values: dict[str, Any], if_rev: int | None = None) -> Settings:
        """Change several settings together, or none: one bad value refuses the batch.

        With ``if_rev`` lower than the newest revision among them: ``conflict`` with the value in force.
        """


CONTRACT: Final = Contract(
    plugin="engine",
    services=(DaemonApi, ProfilesApi, WindowsApi, TasksApi, SettingsApi),
    kinds=(
        Kind("profile", Profile, "name", snapshot=True),
        Kind("setting", Setting, "plugin.field"),
        Kind("window", Window, "window id", passing=True, snapshot=True),
        Kind("task", Task, "task id", passing=True, snapshot=True),
        Kind("trouble", Trouble, "code", passing=True, snapshot=True),
    ),
)
