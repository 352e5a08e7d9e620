# SPDX-License-Identifier: AGPL-3.0-or-later
"""``main``: wires store, engine, bindings and XMPP, runs until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections import deque
from pathlib import Path
from typing import IO

import structlog

from salut.bridge import paths
from salut.bridge.unix import UnixBinding
from salut.daemon.links import XmppLink
from salut.daemon.logs import make_log
from salut.daemon.places import lock, private_folder, state_folder
from salut.engine.engine import Engine, EngineOptions
from salut.engine.links import LinkConfig, LinkControl, LinkHooks
from salut.model.errors import SalutError
from salut.model.words import _
from salut.xmpp.router import Wires

SYSTEMD_FIRST_FD = 3
GC_YOUNG = 10_000
"""Objects before the collector looks: a burst of 1,000 messages has as many on their way, and none of them is in a
cycle. With Python's 700 it walked through all of them again and again. Garbage in cycles waits a little longer."""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The daemon's own command line."""
    parser = argparse.ArgumentParser(
        prog="salut daemon", description=_("The daemon: owns your accounts; windows attach to it.")
    )
    parser.add_argument(
        "--without", metavar="PLUGIN", action="append", default=[], help=_("leave a plugin out")
    )
    parser.add_argument("--debug", action="store_true", help=_("say more in the log"))
    return parser.parse_args(argv)


def inherited_socket() -> socket.socket | None:
    """The socket that systemd's salut.socket hands over, if it started us (sd_listen_fds(3))."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    return socket.socket(fileno=SYSTEMD_FIRST_FD)


async def serve(options: argparse.Namespace, folder: Path, socket_path: Path) -> None:
    """Run the daemon until a signal or ``daemon.stop``."""
    lines: deque[str] = deque(maxlen=1000)
    log = make_log(lines, logging.DEBUG if options.debug else logging.INFO)
    wires = make_wires()

    def make_link(config: LinkConfig, hooks: LinkHooks) -> LinkControl:
        return XmppLink(config, hooks, wires, log)

    engine = Engine(EngineOptions(folder, options.without, lines), make_link, wires, log)
    await engine.start()
    binding = UnixBinding(engine, socket_path, log)
    await binding.start(inherited_socket())
    stopping = asyncio.Event()
    engine.on_stop = stopping.set
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    notify("READY=1")
    log.info("ready", socket=str(socket_path), pid=os.getpid())
    gc.freeze()  # what start-up made stays; the collector need not look at it again
    gc.set_threshold(GC_YOUNG, 3, 3)
    engine.run()
    await stopping.wait()
    notify("STOPPING=1")
    log.info("stopping")
    await binding.close()
    await engine.close()


def make_wires() -> Wires:
    """What all sessions share."""
    from salut.xmpp.router import Router
    from salut.xmpp.shared import Shared

    return Wires(Shared.fresh(), Router())


def notify(state: str) -> None:
    """Tell systemd (sd_notify(3)), if it listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)


def main(argv: list[str] | None = None) -> None:
    """Entry point of the daemon."""
    options = arguments(argv)
    held: IO[str] | None = None
    try:
        folder = private_folder(state_folder())
        socket_path = Path(paths.socket_path())
        private_folder(socket_path.parent)
        held = lock(folder)
        asyncio.run(serve(options, folder, socket_path))
    except SalutError as error:
        structlog.get_logger().error(error.message)
        sys.exit(1)
    finally:
        if held is not None:
            held.close()
