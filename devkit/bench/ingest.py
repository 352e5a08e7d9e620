# SPDX-License-Identifier: AGPL-3.0-or-later
"""Section ``ingest``: what a message that comes in costs, until it is durable and shown in two windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from devkit.bench.daemon import BenchDaemon
from devkit.bench.processes import Child, cpu_seconds
from devkit.bench.report import Figure, median
from devkit.bench.run import Run
from devkit.bench.servers import PASSWORD, USER, FakeServer, bare_on, prosody
from devkit.ca import write_authority

Shape = Literal["plain", "rich"]
WINDOWS = 2
SENDERS = 20  # as many conversations
FLAT_MB = 2.0  # growth over all messages of the memory row which still is called flat


def _bare_cpu(server: FakeServer, client: Child, count: int, shape: Shape) -> float:
    """Microseconds of CPU a message in a bare client."""
    client.say(f"count {count}")
    before = cpu_seconds(client.pid)
    server.ask(f"replay {count} {shape}", "sent")
    client.hear("counted")
    return (cpu_seconds(client.pid) - before) / count * 1e6


def _daemon_cpu(server: FakeServer, daemon: BenchDaemon, windows: Child, count: int, shape: Shape) -> float:
    """The same in the daemon, until all is stored, acknowledged and shown."""
    windows.say(f"expect {count} message")
    before = daemon.cpu
    server.ask(f"replay {count} {shape}", "sent")
    server.ask("acked", "acked")
    windows.hear("done")
    return (daemon.cpu - before) / count * 1e6


def ingest(run: Run) -> Iterator[Figure]:
    """CPU per message beside bare slixmpp's, and memory over many messages."""
    authority = write_authority(run.folder / "ca")
    count, warm = run.scale(20_000, 5_000), run.scale(5_000, 1_000)
    with (
        FakeServer(authority, SENDERS) as far,
        FakeServer(authority, SENDERS) as near,
        BenchDaemon(run.folder / "d") as daemon,
        far.bare() as client,
    ):
        daemon.add("u", USER, PASSWORD, **near.settings())
        near.hear("online", 30)
        with Child(["-m", "devkit.bench.watchers", str(daemon.socket), str(WINDOWS)]) as windows:
            windows.hear("attached")
            for shape in ("plain", "rich"):
                _bare_cpu(far, client, warm, shape)
                _daemon_cpu(near, daemon, windows, warm, shape)
                pairs = [
                    (_bare_cpu(far, client, count, shape), _daemon_cpu(near, daemon, windows, count, shape))
                    for _ in range(run.repeat(3))
                ]
                yield Figure(
                    "ingest", f"CPU a message, {shape}", "µs", median([own for _, own in pairs]),
                    median([floor for floor, _ in pairs]), "µs bare slixmpp", 1.5, "ratio",
                    note=f"{len(pairs)} × {count:,}; " + ", ".join(f"{o:.0f}/{f:.0f}" for f, o in pairs),
                )  # fmt: skip
            yield _memory(run, near, daemon, windows)


def _memory(run: Run, server: FakeServer, daemon: BenchDaemon, windows: Child) -> Figure:
    total = run.scale(50_000, 10_000)
    before = daemon.settled_rss()
    _daemon_cpu(server, daemon, windows, total, "rich")
    after = daemon.settled_rss()
    return Figure(
        "ingest", f"memory grown over {total:,} messages", "MB", after - before, target=FLAT_MB,
        note=f"{before:.1f} -> {after:.1f} MB after the messages above",
    )  # fmt: skip


def rate(run: Run) -> Iterator[Figure]:
    """Two accounts on a real server, one floods the other: does the daemon take what the server delivers?"""
    count = run.scale(10_000, 2_000)
    with prosody(run.folder / "prosody") as server, BenchDaemon(run.folder / "d") as daemon:
        sender, own, bare = (server.account(name) for name in ("sender", "own", "bare"))
        options = {"host": "localhost", "port": server.c2s_port, "ca_file": str(server.ca_file)}
        daemon.add("u", own.jid, own.password, **options)
        with (
            bare_on(server, sender) as flooder,
            bare_on(server, bare) as client,
            Child(["-m", "devkit.bench.watchers", str(daemon.socket), str(WINDOWS)]) as windows,
        ):
            windows.hear("attached")
            floors, owns, cpus = [], [], []
            for _ in range(run.repeat(3)):
                client.say(f"count {count}")
                flooder.say(f"flood {count} {bare.jid}")
                floors.append(count / float(client.hear("counted")[1]))
                flooder.hear("sent")
                windows.say(f"expect {count} message")
                before = daemon.cpu
                flooder.say(f"flood {count} {own.jid}")
                owns.append(count / float(windows.hear("done")[0]))
                flooder.hear("sent")
                cpus.append((daemon.cpu - before) / count * 1e6)
            yield Figure(
                "rate", "messages from prosody, until shown in two windows", "/s", median(owns), median(floors),
                "/s bare slixmpp", 0.9, "ratio", least=True,
                note=f"{len(owns)} × {count:,}; daemon's CPU {median(cpus):.0f} µs a message",
            )  # fmt: skip
