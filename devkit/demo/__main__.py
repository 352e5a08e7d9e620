# SPDX-License-Identifier: AGPL-3.0-or-later
"""``python -m devkit.demo``: shows it until Ctrl-C; with ``--check`` checks it and ends by itself (0 or 1)."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator

from devkit.demo import scenes
from devkit.demo.stage import Stage, daemon, server_stage
from devkit.demo.tell import Tell
from devkit.process import ProgramFailedError, ProgramMissingError
from salut import client as sdk
from salut.api.core import DaemonApi
from salut.model.errors import SalutError

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HINT_SECONDS = 30
Hint = tuple[str, str]


def main() -> int:
    """Run the demo. 0: all went well (or Ctrl-C ended it); 1: it did not."""
    parser = argparse.ArgumentParser(prog="python -m devkit.demo", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="check everything and end; exit code 1 if not well"
    )
    check = parser.parse_args().check
    tell = Tell()
    for number in ENDINGS:
        signal.signal(number, signal.default_int_handler)
    try:
        tell.title("Salut: one daemon, many windows")
        with server_stage() as stage, closing_in_peace():
            tell.done(f"prosody on 127.0.0.1:{stage.server.c2s_port}, private, TLS from a test CA of its own")
            with daemon(stage) as pid, closing_in_peace():
                tell.done(f"the daemon answers, process {pid}")
                return asyncio.run(perform(stage, tell, check=check))
    except KeyboardInterrupt:
        tell.line()
        tell.line("Interrupted. Everything has ended.")
        return 1 if check else 0
    except (ProgramFailedError, ProgramMissingError, scenes.SceneError, SalutError) as error:
        tell.problem(str(error))
        return 1


@contextlib.contextmanager
def closing_in_peace() -> Iterator[None]:
    """Once the body has ended, an impatient second Ctrl-C does not keep us from cleaning up (all bounded)."""
    try:
        yield
    finally:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)


async def perform(stage: Stage, tell: Tell, *, check: bool) -> int:
    """The story, then either the check of the commands to try, or the wait for Ctrl-C."""
    async with await sdk.connect(f"unix:{stage.socket}", start=False) as client:
        window = scenes.Window(client)
        await client.attach("demo", kind="demo")
        await scenes.accounts(stage, window, tell)
        info = await client.call(DaemonApi.info)
        tell.head("What they said to each other, through the server")
        left_out = await scenes.play(stage, window, tell, info.plugins)
        methods = {method.name for method in (await client.call(DaemonApi.describe)).methods}
        hints, endless = commands(stage, methods, info.plugins)
        if check:
            return await checked(stage, tell, hints, left_out)
        tell.head("Now you, in as many other terminals as you like. First, in each of them:")
        tell.line()
        tell.line(f"  {stage.export()}")
        tell.line()
        for command, about in (*hints, *endless):
            tell.command(command, about)
        tell.line()
        tell.line("Everything runs until you press Ctrl-C here.")
        await ctrl_c()
        tell.line()
        tell.line("Stopping the daemon and the server, removing their folder …")
    return 0


def commands(stage: Stage, methods: set[str], plugins: dict[str, str]) -> tuple[list[Hint], list[Hint]]:
    """What to try: commands that end, and one that runs on. Short names only where the daemon knows them."""
    names = "names.resolve" in methods
    bob = "bob" if names else stage.accounts["bob"].jid
    alice = "alice" if names else stage.accounts["alice"].jid
    tearoom = "tearoom" if names else stage.room
    hints = [
        ("jp status", "the daemon and its three accounts"),
        (f"jp log -p bob {alice}", "what bob has with alice"),
        (f"jp send -p alice {bob} 'Hello Bob'", "goes through the server"),
        ("jp search cake", "in all accounts"),
        ("jp windows", "who is attached right now"),
        ("jp --help", "everything else"),
    ]
    if plugins.get("rooms") == "ok":
        hints[4:4] = [
            (f"jp send -p carol {tearoom} 'Hello all'", "to everybody in the room"),
            (f"jp room members -p carol {tearoom}", "who is there"),
        ]
    return hints, [("jp watch", "every change as it happens; Ctrl-C ends it")]


async def checked(stage: Stage, tell: Tell, hints: list[Hint], left_out: list[str]) -> int:
    """Run what a visitor is told to try, as a shell would, and sum up."""
    tell.head("The commands that a visitor is told to try")
    environment = {**os.environ, **stage.environment()}
    for command, _about in hints:
        ran = await asyncio.to_thread(
            subprocess.run, shlex.split(command), env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=HINT_SECONDS, check=False,
        )  # fmt: skip
        if ran.returncode != 0:
            raise scenes.SceneError(f"{command}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}")
        tell.done(command)
    if left_out:
        tell.problem("Not everything could be shown:\n" + "\n".join(left_out))
        return 1
    tell.line()
    tell.line("All as it should be.")
    return 0


async def ctrl_c() -> None:
    """Until one of the signals that end us."""
    pressed = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in ENDINGS:
        loop.add_signal_handler(number, pressed.set)
    await pressed.wait()


if __name__ == "__main__":
    sys.exit(main())
