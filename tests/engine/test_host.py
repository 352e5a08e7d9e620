# SPDX-License-Identifier: AGPL-3.0-or-later
"""Broken plugins: each is named in ``daemon.info``, and the daemon runs on with all others."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

from salut.api.contract import Contract, Service, method
from salut.api.ports import Read
from salut.api.wire import Item
from salut.engine import host as host_module
from salut.engine.host import order
from salut.engine.plugin import Host, Plugin
from tests.engine_kit import running_engine


class EchoApi(Service):
    """A contract of a plugin that may break."""

    service = "echo"

    @method()
    async def say(self, *, text: str) -> str:
        """Say it again."""
        raise NotImplementedError


class Echo(EchoApi):
    """Serves it."""

    async def say(self, *, text: str) -> str:
        if text == "raise":
            raise ZeroDivisionError
        return text


class Good(Plugin):
    """Works."""

    name = "good"
    contract: Final = Contract(plugin="good", services=(EchoApi,), kinds=())  # type: ignore[misc]

    def services(self) -> tuple[Service, ...]:
        return (Echo(),)


class BadConstructor(Plugin):
    """Cannot be made."""

    name = "bad_constructor"
    contract = Contract(plugin="bad_constructor", services=(), kinds=())

    def __init__(self, host: Host) -> None:
        raise ValueError("no constructor today")


class BadStart(Plugin):
    """Cannot start; its methods must not stay."""

    name = "bad_start"
    contract = Contract(plugin="bad_start", services=(EchoApi,), kinds=())

    def services(self) -> tuple[Service, ...]:
        return (Echo(),)

    async def start(self) -> None:
        raise OSError("no start today")


class BadSnapshot(Plugin):
    """Cannot show its state."""

    name = "bad_snapshot"
    contract = Contract(plugin="bad_snapshot", services=(), kinds=())

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        raise KeyError("no snapshot today")


class Needy(Plugin):
    """Needs one that cannot start."""

    name = "needy"
    needs = ("bad_start",)
    contract = Contract(plugin="needy", services=(), kinds=())


class Lonely(Plugin):
    """Needs one that does not exist."""

    name = "lonely"
    needs = ("nobody",)
    contract = Contract(plugin="lonely", services=(), kinds=())


class Misnamed(Good):
    """Its entry point has another name."""


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Iterable[object]:
    """Entry points beside the real ones: ``entry(name, value)``."""
    real = metadata.entry_points(group=host_module.GROUP)
    more: list[metadata.EntryPoint] = []

    def points(group: str) -> list[metadata.EntryPoint]:
        assert group == host_module.GROUP
        return [*real, *more]

    monkeypatch.setattr(host_module, "entry_points", points)
    # The tests' own module under a name that an entry point can load.
    monkeypatch.setitem(sys.modules, "salut_test_plugins", sys.modules[__name__])

    def add(name: str, value: str) -> None:
        more.append(metadata.EntryPoint(name, value, host_module.GROUP))

    return add  # type: ignore[return-value]


def add_all(entry: object, *classes: type[Plugin]) -> None:
    assert callable(entry)
    for cls in classes:
        entry(cls.name, f"salut_test_plugins:{cls.__name__}")


async def test_broken_plugins_are_named_and_the_daemon_runs_on(tmp_path: Path, entry: object) -> None:
    broken = tmp_path / "salut_test_broken.py"
    broken.write_text("raise RuntimeError('no import today')\n")
    add_all(entry, BadConstructor, BadStart, BadSnapshot, Needy, Lonely)
    assert callable(entry)
    entry("bad_import", "salut_test_broken:Plugin")
    entry("absent", "salut_test_no_such_module:Plugin")
    entry("no_plugin", "salut_test_plugins:Echo")
    entry("other_name", "salut_test_plugins:Misnamed")
    sys.path.insert(0, str(tmp_path))
    try:
        async with running_engine(tmp_path / "state") as kit:
            status = (await kit.call("daemon.info"))["plugins"]
            assert status["bad_import"].startswith("cannot be loaded") and "no import" in status["bad_import"]
            assert status["absent"].startswith("cannot be loaded")
            assert status["no_plugin"].startswith("cannot be loaded")
            assert status["other_name"].startswith("cannot be loaded")
            assert status["bad_constructor"].startswith("cannot start")
            assert "no constructor today" in status["bad_constructor"]
            assert status["bad_start"].startswith("cannot start") and "no start today" in status["bad_start"]
            assert status["needy"] == "needs bad_start"
            assert status["lonely"] == "needs nobody"
            assert status["drafts"] == status["history"] == "ok"
            assert "echo.say" not in kit.engine.registry.methods

            await kit.call(
                "profiles.create",
                name="home",
                address="home@localhost",
                password="secret",
                settings={"enabled": False},
            )
            await kit.call("drafts.set", profile="home", conversation="a@localhost", text="works")
            pid = kit.engine.journal.journals.pids["home"]
            items = await kit.engine.readers.read(lambda read: kit.engine.snapshot(read, "home", pid, 10))
            assert {"profile", "draft"} <= {item.name for item in items}
    finally:
        sys.path.remove(str(tmp_path))


async def test_a_snapshot_that_fails_is_named(tmp_path: Path, entry: object) -> None:
    add_all(entry, BadSnapshot)
    async with running_engine(tmp_path) as kit:
        assert (await kit.call("daemon.info"))["plugins"]["bad_snapshot"] == "ok"
        await kit.engine.readers.read(lambda read: kit.engine.plugins.snapshot(read, "", 0, 10))
        status = (await kit.call("daemon.info"))["plugins"]["bad_snapshot"]
        assert status.startswith("failed in snapshot") and "no snapshot today" in status


async def test_a_method_that_fails_is_internal_and_others_go_on(tmp_path: Path, entry: object) -> None:
    add_all(entry, Good)
    async with running_engine(tmp_path) as kit:
        with pytest.raises(Exception, match="ZeroDivisionError") as caught:
            await kit.call("echo.say", text="raise")
        assert getattr(caught.value, "code", "") == "internal"
        assert await kit.call("echo.say", text="on") == "on"


async def test_what_is_taken_away_is_named_with_what_needs_it(tmp_path: Path) -> None:
    async with running_engine(tmp_path, without=["history"]) as kit:
        status = (await kit.call("daemon.info"))["plugins"]
        assert status["history"] == "taken away"
        assert status["chat"].startswith("needs ") and "history" in status["chat"]
        assert status["drafts"] == "ok"


def made(name: str, needs: tuple[str, ...] = (), prefers: tuple[str, ...] = ()) -> type[Plugin]:
    return type(name, (Plugin,), {"name": name, "needs": needs, "prefers": prefers})


def test_a_preference_for_what_cannot_load_stands_in_nobodys_way() -> None:
    """Found by taking history away: names was made before the roster, which it prefers."""

    def plugin(name: str, needs: tuple[str, ...] = (), prefers: tuple[str, ...] = ()) -> type[Plugin]:
        return type(name, (Plugin,), {"name": name, "needs": needs, "prefers": prefers})

    found = [
        plugin("names", prefers=("roster",)),
        plugin("roster", prefers=("archive",)),
        plugin("archive", needs=("rooms",)),
        plugin("rooms", needs=("history",)),
    ]
    left_out: dict[str, str] = {"history": "taken away"}
    assert [cls.name for cls in order({cls.name: cls for cls in found}, left_out)] == ["roster", "names"]
    assert left_out["archive"] == "needs rooms" and left_out["rooms"] == "needs history"


def test_order_of_needs_and_preferences() -> None:
    def ordered(*classes: type[Plugin]) -> tuple[list[str], dict[str, str]]:
        left: dict[str, str] = {}
        return [cls.name for cls in order({cls.name: cls for cls in classes}, left)], left

    assert ordered(made("a", needs=("b",)), made("b", prefers=("c",)), made("c")) == (["c", "b", "a"], {})
    assert ordered(made("a", prefers=("b",)), made("b", prefers=("a",))) == (["a", "b"], {})
    assert ordered(made("a", needs=("b",)), made("b", needs=("a",)), made("c")) == (
        ["c"],
        {"a": "needs b", "b": "needs a"},
    )
    assert ordered(made("a", prefers=("nobody",))) == (["a"], {})
