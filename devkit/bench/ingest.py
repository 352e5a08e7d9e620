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
    client.ask(f"count {count}", "counting")
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
        sender, own, bare, managed = (server.account(name) for name in ("sender", "own", "bare", "managed"))
        options = {"host": "localhost", "port": server.c2s_port, "ca_file": str(server.ca_file)}
        daemon.add("u", own.jid, own.password, **options)
        with (
            bare_on(server, sender) as flooder,
            bare_on(server, bare) as client,
            bare_on(server, managed, "--managed") as counting,
            Child(["-m", "devkit.bench.watchers", str(daemon.socket), str(WINDOWS)]) as windows,
        ):
            windows.hear("attached")

            def flood(to: str, taker: Child, told: str, seconds_at: int) -> float:
                flooder.say(f"flood {count} {to}")
                seconds = float(taker.hear(told)[seconds_at])
                flooder.hear("sent")
                return count / seconds

            floors: list[tuple[float, float]] = []
            owns: list[tuple[float, float, float]] = []
            for _ in range(run.repeat(3)):
                client.ask(f"count {count}", "counting")
                counting.ask(f"count {count}", "counting")
                floors.append(
                    (flood(bare.jid, client, "counted", 1), flood(managed.jid, counting, "counted", 1))
                )
                windows.say(f"expect {count} message")
                cpu, served = daemon.cpu, cpu_seconds(server.pid)
                speed = flood(own.jid, windows, "done", 0)
                seconds = count / speed
                owns.append(
                    (speed, (daemon.cpu - cpu) / seconds, (cpu_seconds(server.pid) - served) / seconds)
                )
    yield Figure(
        "rate", "messages from prosody, until shown in two windows", "/s", median([own for own, _, _ in owns]),
        median([floor for _, floor in floors]), "/s bare slixmpp + XEP-0198", 0.9, "ratio", least=True,
        note=f"{len(owns)} × {count:,}; busy: prosody {median([p for _, _, p in owns]):.0%} of a core, the daemon "
        f"{median([d for _, d, _ in owns]):.0%}; without XEP-0198 bare {median([f for f, _ in floors]):,.0f} /s",
    )  # fmt: skip
