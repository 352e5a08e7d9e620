# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin host: finds plugins by entry point, orders them, keeps a broken one from hurting the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib.metadata import entry_points

import structlog

from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.database import is_of_disk
from salut.engine.plugin import Host, Link, Plugin
from salut.engine.registry import Registry
from salut.model.errors import SalutError

GROUP = "salut.plugins"
PluginClass = type[Plugin]


def find(
    log: structlog.stdlib.BoundLogger, without: Iterable[str] = ()
) -> tuple[list[PluginClass], dict[str, str]]:
    """All plugin classes in the order of their needs, and why others are left out."""
    left_out = dict.fromkeys(without, "taken away")
    classes: dict[str, PluginClass] = {}
    for point in entry_points(group=GROUP):
        if point.name in left_out:
            continue
        try:
            classes[point.name] = _checked(point.load(), point.name)
        except Exception as error:  # a plugin's import may fail in any way; it is named and reported
            log.exception("plugin cannot be loaded", plugin=point.name)
            left_out[point.name] = f"cannot be loaded: {error!r}"
    return order(classes, left_out), left_out


def _checked(found: object, name: str) -> PluginClass:
    if not (isinstance(found, type) and issubclass(found, Plugin)) or found.name != name:
        raise TypeError(f"{found!r} is no plugin of the name {name}")
    return found


def order(classes: Mapping[str, PluginClass], left_out: dict[str, str]) -> list[PluginClass]:
    """Plugins after all that they need and prefer. Adds to ``left_out`` what lacks a need."""
    ready: list[PluginClass] = []
    names: set[str] = set()
    waiting = dict(classes)
    while hopeless := [name for name, cls in waiting.items() if not set(cls.needs) <= waiting.keys()]:
        for name in hopeless:  # nobody waits for these: their preference would stand in others' way
            left_out[name] = "needs " + ", ".join(sorted(set(waiting[name].needs) - waiting.keys()))
        for name in hopeless:
            del waiting[name]
    while waiting:
        for soft in (True, False):  # first with regard to preferences, then without, to break circles
            able = [
                cls
                for cls in waiting.values()
                if names.issuperset(cls.needs) and not (soft and waiting.keys() & set(cls.prefers))
            ]
            if able:
                break
        if not able:
            break
        chosen = min(able, key=lambda cls: (len(waiting.keys() & set(cls.prefers)), cls.name))
        ready.append(chosen)
        names.add(chosen.name)
        del waiting[chosen.name]
    for name, cls in waiting.items():
        left_out[name] = "needs " + ", ".join(sorted(set(cls.needs) - names))
    return ready


class PluginHost:
    """The loaded plugins. One that raises is logged with its name and does not stop the others."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        self._log = log
        self.plugins: dict[str, Plugin] = {}
        self.status: dict[str, str] = {}
        self.closing = False  # the engine ends: what plugins cannot finish now is no fault of theirs

    async def load(self, classes: Iterable[PluginClass], host: Host, registry: Registry) -> None:
        """Make and start the plugins; enter their contracts."""
        for cls in classes:
            if not set(cls.needs) <= self.plugins.keys():
                self.status[cls.name] = "needs " + ", ".join(sorted(set(cls.needs) - self.plugins.keys()))
                continue
            try:
                if cls.contract.settings is not None:
                    host.settings.declare(cls.name, cls.contract.settings)
                plugin = cls(host)
                registry.add(cls.contract, tuple(plugin.services()))
                await plugin.start()
            except Exception as error:  # noqa: BLE001 - named, disabled and reported; the daemon runs on
                self._log.exception("plugin cannot start", plugin=cls.name)
                self.status[cls.name] = f"cannot start: {error!r}"
                registry.remove(cls.contract)
                continue
            self.plugins[cls.name] = plugin
            self.status[cls.name] = "ok"
            port = plugin.port()
            if port is not None:
                host.ports[cls.name] = port
        self._host = host

    def _each(self, what: str, act: Callable[[Plugin], object]) -> None:
        for name, plugin in self.plugins.items():
            try:
                act(plugin)
            except Exception as error:  # noqa: BLE001 - one plugin's fault is not another's
                self._log.exception("plugin failed", plugin=name, doing=what)
                self.status[name] = f"failed in {what}: {error!r}"

    def wire(self, link: Link) -> None:
        """A session was made."""
        self._host.links[link.profile] = link
        self._each("wire", lambda plugin: plugin.wire(link))

    def unwire(self, profile: str) -> None:
        """A session is gone."""
        if self._host.links.pop(profile, None):
            self._each("unwire", lambda plugin: plugin.unwire(profile))

    async def online(self, profile: str, resumed: bool, current: Callable[[], bool]) -> bool:
        """Tell plugins, one after the other, in the order of their needs, while the session is ``current``.

        False where it ceased to be before all were told.
        """
        if not resumed and not await self._tell(
            "opening", profile, current, lambda plugin: plugin.opening(profile)
        ):
            return False
        return await self._tell("online", profile, current, lambda plugin: plugin.online(profile, resumed))

    async def _tell(
        self, what: str, profile: str, current: Callable[[], bool], tell: Callable[[Plugin], Awaitable[None]]
    ) -> bool:
        for name, plugin in self.plugins.items():
            if not current() or self.closing:
                return False
            try:
                await tell(plugin)
            except Exception as error:  # noqa: BLE001 - as in _each
                late = isinstance(error, SalutError) and error.code in (
                    "not-connected",
                    "unavailable",
                    "not-found",
                )
                if late and (not current() or self.closing):
                    return False
                self._log.exception("plugin failed", plugin=name, doing=what, profile=profile)
                self.status[name] = f"failed in {what}: {error!r}"
        return True

    def offline(self, profile: str) -> None:
        """The session is lost for good."""
        self._each("offline", lambda plugin: plugin.offline(profile))

    def refused(self, profile: str, code: str) -> None:
        """The server refuses the login."""
        self._each("refused", lambda plugin: plugin.refused(profile, code))

    async def stop(self) -> None:
        """Stop in reverse order."""
        for name, plugin in reversed(self.plugins.items()):
            try:
                await plugin.stop()
            except Exception:  # noqa: BLE001 - as in _each
                self._log.exception("plugin failed", plugin=name, doing="stop")

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> list[Item]:
        """What all plugins show to a new window. Runs in a reader thread."""
        items: list[Item] = []
        for name, plugin in self.plugins.items():
            try:
                items += plugin.snapshot(read, profile, pid, limit)
            except Exception as error:  # as in _each
                if isinstance(error, sqlite3.Error) and is_of_disk(error):
                    raise
                self._log.exception("plugin failed", plugin=name, doing="snapshot")
                self.status[name] = f"failed in snapshot: {error!r}"
        return items

    def forget(self, tx: Tx, pid: int) -> None:
        """Delete what belongs to a profile."""
        for plugin in self.plugins.values():
            plugin.forget(tx, pid)
            for table in plugin.tables:
                tx.execute(f"DELETE FROM {table} WHERE pid=?", (pid,))
