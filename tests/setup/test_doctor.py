# SPDX-License-Identifier: AGPL-3.0-or-later
"""``salut doctor`` in good and broken set-ups."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from typing import Any

import pytest

from salut.api.core import DaemonInfo, Profile
from salut.frontends.setup import accounts
from salut.model import moment
from salut.model.link import LinkState
from salut.plugins.setup.api import Certificate, Place, Probe
from tests.setup.home import Home

DAY = 86_400 * 1_000_000


def look(home: Home) -> tuple[int, dict[str, dict[str, Any]]]:
    """The doctor's exit code, and findings by what they are about (all but plugins)."""
    ran = home.run("doctor", "--json")
    document = json.loads(ran.stdout)
    items = document["items"]
    levels = {item["level"] for item in items}
    assert document["worst"] == next(x for x in ("problem", "warning", "ok") if x in levels)
    assert ran.returncode == (1 if "problem" in levels else 0)
    return ran.returncode, {item["check"]: item for item in items}


def test_before_anything_is_there(home: Home) -> None:
    code, found = look(home)
    assert code == 0
    assert found["daemon"]["level"] == "warning"
    assert found["daemon"]["step"] == "It starts with the first jp command, or now: jp daemon start"
    assert {name for name, item in found.items() if item["level"] != "ok"} == {"daemon"}
    assert not home.runtime.exists() and not home.state.exists(), "it changes nothing"
    plain = home.run("doctor")
    assert "warning  daemon " in plain.stdout
    assert plain.stdout.endswith("\n0 problems, 1 warning.\n")


def test_running_daemon_and_its_files(home: Home) -> None:
    home.start_daemon()
    home.call(
        "profiles.create", name="off", address="off@example.org", password="p", settings={"enabled": False}
    )
    code, found = look(home)
    assert code == 0
    for check in (
        "data folder",
        "runtime folder",
        "key file",
        "database file",
        "database",
        "daemon",
        "plugins",
        "profile off",
    ):
        assert found[check]["level"] == "ok", found[check]
    assert found["profile off"]["text"] == "off@example.org is switched off"
    assert "server of off" not in found


def test_what_is_open_to_others(home: Home) -> None:
    home.start_daemon()
    home.call("profiles.create", name="a", address="a@example.org", password="p", settings={"enabled": False})
    home.end()
    home.state.chmod(0o755)
    (home.state / "salut.key").chmod(0o644)
    (home.state / "salut.db").chmod(0o640)
    home.runtime.chmod(0o770)
    code, found = look(home)
    assert code == 1
    assert found["data folder"]["step"] == f"chmod 700 '{home.state}'"
    assert found["runtime folder"]["level"] == "problem"
    assert found["key file"]["step"] == f"chmod 600 '{home.state / 'salut.key'}'"
    assert "0640" in found["database file"]["text"]
    for step in [item["step"] for item in found.values() if item["step"].startswith("chmod")]:
        assert os.system(step) == 0, step
    home.state.chmod(0o700)
    _, mended = look(home)
    assert {item["level"] for check, item in mended.items() if check != "daemon"} == {"ok"}


def test_runtime_folder_that_is_a_link(home: Home) -> None:
    home.state.mkdir(mode=0o700)
    home.runtime.symlink_to(home.state)
    _, found = look(home)
    assert found["runtime folder"]["level"] == "problem"
    assert found["daemon"]["level"] == "problem"


def test_damaged_database_and_key(home: Home) -> None:
    home.start_daemon()
    home.call("profiles.create", name="a", address="a@example.org", password="p", settings={"enabled": False})
    home.end()
    database = home.state / "salut.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that no page is mended from the WAL
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    (home.state / "salut.key").write_bytes(b"short")
    before = database.read_bytes()
    code, found = look(home)
    assert code == 1
    assert "is damaged" in found["database"]["text"]
    assert "backup" in found["database"]["step"]
    assert "is damaged" in found["key file"]["text"]
    assert database.read_bytes() == before


def test_too_long_runtime_folder(home: Home) -> None:
    home.environment["SALUT_RUNTIME"] = str(home.runtime / ("x" * 100))
    code, found = look(home)
    assert code == 1
    assert "too long" in found["runtime folder"]["text"]


def test_daemon_findings() -> None:
    info = DaemonInfo(
        version="0.0.1", instance="i", pid=7, started=0, profiles=1, windows=0, messages=5,
        plugins={"chat": "ok", "rooms": "taken away", "blog": "cannot be loaded: ImportError()"},
        trouble="The disk is full.",
    )  # fmt: skip
    found = {finding.check: finding for finding in accounts.daemon(info)}
    assert found["daemon"].level == "warning" and "jp daemon stop" in found["daemon"].step
    assert found["storage"].level == "problem"
    assert found["plugin rooms"].level == "warning"
    assert found["plugin blog"].level == "problem"
    assert "plugins" not in found


@pytest.mark.parametrize(
    ("state", "level", "step"),
    [
        (LinkState("online", endpoint="h:5222"), "ok", ""),
        (LinkState("retrying", "no route", "connect-failed", 5), "warning", "jp profile connect a"),
        (LinkState("refused", "no", "not-authorized"), "problem", "Is the password right?"),
        (LinkState("refused", "?", "something-new"), "problem", "Then: jp profile connect a"),
    ],
)
def test_link_findings(state: LinkState, level: str, step: str) -> None:
    finding = accounts.link(Profile(name="a", address="a@x", enabled=True, link=state))
    assert finding.level == level
    assert step in finding.step and bool(finding.step) == bool(step)


@pytest.mark.parametrize(("days", "level"), [(-1, "warning"), (5, "warning"), (90, "ok")])
def test_certificate_findings(days: int, level: str) -> None:
    certificate = Certificate(sha256="0" * 64, not_after=moment.now() + days * DAY)
    good = Place(host="h", port=5222, source="SRV", certificate=certificate)
    (finding,) = accounts.server("a", Probe(domain="x", places=[good]))
    assert finding.level == level
    bad = Place(host="i", port=5222, source="SRV", code="connection-refused", reason="i refuses")
    both = list(accounts.server("a", Probe(domain="x", places=[good, bad])))
    assert [finding.level for finding in both] == [level, "warning"]
    (none,) = accounts.server("a", Probe(domain="x", places=[bad]))
    assert none.level == "problem" and "--port" in none.step
