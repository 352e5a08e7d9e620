# SPDX-License-Identifier: AGPL-3.0-or-later
"""Section ``crowds``: rooms with many members, many rooms, a roster with many contacts, all of them restless."""

from __future__ import annotations

import time
from collections.abc import Iterator

from devkit.bench.daemon import BenchDaemon
from devkit.bench.processes import Child, cpu_seconds, settled_rss_mb
from devkit.bench.report import Figure, median
from devkit.bench.run import Run
from devkit.bench.servers import PASSWORD, USER, FakeServer
from devkit.ca import TestAuthority, write_authority

MEMBERS = 2_000
STORM = 20_000  # presences
ROOMS = 50
IN_EACH = 100
CONTACTS = 5_000
LARGE = "large@muc.localhost"


def crowds(run: Run) -> Iterator[Figure]:
    """Time, CPU and memory beside those of bare slixmpp doing the same."""
    authority = write_authority(run.folder / "ca")
    yield from _large(run, authority)
    yield from _many(run, authority)
    yield from _roster(run, authority)


def _storm(server: FakeServer, pid: int, count: int) -> float:
    """Microseconds of CPU that a presence costs."""
    before = cpu_seconds(pid)
    server.ask(f"storm {count} {LARGE}", "settled")
    time.sleep(0.5)  # what is told to windows is told by then
    return (cpu_seconds(pid) - before) / count * 1e6


def _large(run: Run, authority: TestAuthority) -> Iterator[Figure]:
    members, storm = run.scale(MEMBERS, 200), run.scale(STORM, 2_000)
    joins, storms = [], []
    with (
        FakeServer(authority, 1, members=members) as far,
        FakeServer(authority, 1, members=members) as near,
        BenchDaemon(run.folder / "large") as daemon,
        far.bare("--rooms") as client,
    ):
        daemon.add("u", USER, PASSWORD, **near.settings())
        near.hear("online", 30)
        empty, bare_empty = daemon.settled_rss(), settled_rss_mb(client.pid)
        with Child(["-m", "devkit.bench.watchers", str(daemon.socket), "2"]) as windows:
            windows.hear("attached")
            bare_join = float(client.ask(f"join {LARGE} nick", "joined")[0])
            for number in range(run.repeat(5)):
                if number:
                    daemon.call("rooms.leave", profile="u", room=LARGE)
                begin = time.perf_counter()
                daemon.call("rooms.join", profile="u", room=LARGE, nick="nick")
                joins.append(time.perf_counter() - begin)
            daemon_mb = daemon.settled_rss() - empty
            bare_mb = settled_rss_mb(client.pid) - bare_empty
            for _ in range(run.repeat(3)):
                storms.append((_storm(near, daemon.pid, storm), _storm(far, client.pid, storm)))
            first = daemon.settled_rss()
            for _ in range(run.repeat(3)):
                _storm(near, daemon.pid, storm)
            grown = daemon.settled_rss() - first
    yield Figure(
        "crowds", f"join a room of {members:,}", "s", median(joins), bare_join, "s bare slixmpp", 1.0, "ratio",
        note=f"{len(joins)} ×, worst {max(joins):.2f}; memory {daemon_mb:.1f} MB, bare {bare_mb:.1f} MB",
    )  # fmt: skip
    yield Figure(
        "crowds", "CPU a presence in it, two windows", "µs", median([own for own, _ in storms]),
        median([floor for _, floor in storms]), "µs bare slixmpp", 1.0, "ratio",
        note=f"{len(storms)} × {storm:,}; " + ", ".join(f"{own:.0f}/{floor:.0f}" for own, floor in storms),
    )  # fmt: skip
    yield Figure("crowds", f"memory grown over {3 * storm:,} presences more", "MB", grown, target=2.0)


def _many(run: Run, authority: TestAuthority) -> Iterator[Figure]:
    rooms, members = run.scale(ROOMS, 5), IN_EACH
    names = [f"room{number}@muc.localhost" for number in range(rooms)]
    with (
        FakeServer(authority, 1, members=members) as far,
        FakeServer(authority, 1, members=members) as near,
        BenchDaemon(run.folder / "many") as daemon,
        far.bare("--rooms") as client,
    ):
        daemon.add("u", USER, PASSWORD, **near.settings())
        near.hear("online", 30)
        for name in names:
            daemon.call("rooms.join", profile="u", room=name, nick="nick")
        daemon.call("profiles.disconnect", profile="u")
        empty, bare_empty = daemon.settled_rss(), settled_rss_mb(client.pid)
        times = []
        for number in range(run.repeat(3)):
            if number:
                daemon.call("profiles.disconnect", profile="u")
            begin = time.perf_counter()
            daemon.call("profiles.connect", profile="u", wait=30.0)
            _joined(daemon, rooms)
            times.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        for name in names:
            client.say(f"join {name} nick")
        for _ in names:
            client.hear("joined")
        floor = time.perf_counter() - begin
        grown, bare = daemon.settled_rss() - empty, settled_rss_mb(client.pid) - bare_empty
    yield Figure(
        "crowds", f"from connecting to being in {rooms} rooms of {members}", "s", median(times), floor,
        "s bare slixmpp, from one to the next, connected", 1.0, "ratio",
        note=f"{len(times)} ×; memory {grown:.1f} MB, bare {bare:.1f} MB",
    )  # fmt: skip


def _joined(daemon: BenchDaemon, count: int) -> None:
    with daemon.window() as window:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if sum(room.get("state") == "joined" for room in window.call("rooms.list", profile="u")) >= count:
                return
            time.sleep(0.01)
    raise OSError(f"not in all of {count} rooms after a minute")


def _roster(run: Run, authority: TestAuthority) -> Iterator[Figure]:
    contacts = run.scale(CONTACTS, 500)
    times, floors, bare = [], [], 0.0
    with (
        FakeServer(authority, 1, contacts=contacts) as far,
        FakeServer(authority, 1, contacts=contacts) as near,
        BenchDaemon(run.folder / "roster") as daemon,
    ):
        daemon.add("u", USER, PASSWORD, **near.settings())
        for _ in range(run.repeat(3)):
            daemon.call("profiles.disconnect", profile="u")
            near.hear("gone")
            cpu, begin = daemon.cpu, time.perf_counter()
            daemon.call("profiles.connect", profile="u", wait=30.0)
            near.hear("online")
            near.ask("settled", "settled")
            times.append((time.perf_counter() - begin, daemon.cpu - cpu))
            begin = time.perf_counter()
            with far.bare("--roster") as client:
                far.hear("online")
                far.ask("settled", "settled")
                floors.append((time.perf_counter() - begin, cpu_seconds(client.pid)))
                bare = settled_rss_mb(client.pid)
            far.hear("gone")
        used = daemon.settled_rss()
    with FakeServer(authority, 1) as alone, alone.bare("--roster") as client:
        started = cpu_seconds(client.pid)
    yield Figure(
        "crowds", f"CPU to come online with {contacts:,} contacts, all online", "s", median([c for _, c in times]),
        median([c for _, c in floors]) - started, "s bare slixmpp", 1.0, "ratio",
        note=f"{len(times)} ×; {median([t for t, _ in times]):.2f} s until all are known; "
        f"resident then {used:.0f} MB, bare {bare:.0f} MB",
    )  # fmt: skip
