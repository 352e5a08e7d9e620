# SPDX-License-Identifier: AGPL-3.0-or-later
"""A daemon that is killed with SIGKILL at a named step of scheduled sending; started by ``test_later_kills.py``.

``python dying_daemon.py STATE STEP``: the engine on the folder STATE, as the daemon runs it. STEP ``none``: it lives.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from salut.engine.journal import Journal
from salut.plugins.chat.protocol import ChatProtocol
from salut.plugins.chat.service import ChatService
from salut.plugins.history.service import HistoryService
from salut.plugins.later import store
from tests.engine_kit import running_engine

Wrap = Callable[..., Any]


def die(*_given: object, **_named: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str) -> None:
    """Die instead of doing it."""
    setattr(owner, name, die)


def after(owner: Any, name: str) -> None:
    """Die when it is done."""
    real: Wrap = getattr(owner, name)

    def both(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        if isinstance(found, Awaitable):

            async def wait() -> None:
                await found
                die()

            return wait()
        die()
        return found

    setattr(owner, name, both)


def after_commit(name: str) -> None:
    """Die when the unit of work that held this step of the table is durable, and nobody has been told."""
    done = [False]
    step: Wrap = getattr(store, name)

    def noted(*given: Any, **named: Any) -> Any:
        done[0] = True
        return step(*given, **named)

    setattr(store, name, noted)
    deliver: Wrap = Journal.deliver

    def die_then(self: Journal, *given: Any) -> None:
        if done[0]:
            die()
        deliver(self, *given)

    Journal.deliver = die_then  # type: ignore[method-assign]


STEPS: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "before the claim": lambda: before(store, "claim"),
    "in the claim's transaction": lambda: after(store, "_show"),
    "claim stored": lambda: after_commit("claim"),
    "before it is sent": lambda: before(ChatService, "send"),
    "stored in history, not sent": lambda: after(HistoryService, "ingest"),
    "given to the server's link": lambda: after(ChatProtocol, "send"),
    "sent, not told": lambda: after(ChatService, "send"),
    "in the last transaction": lambda: after(store, "finish"),
    "finish stored": lambda: after_commit("finish"),
}


async def main(state: Path, step: str) -> None:
    STEPS[step]()
    async with running_engine(state):
        await asyncio.sleep(120)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
