# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tasks have owners: the one place that starts asyncio tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

FailureHandler = Callable[[str, BaseException], None]


class TaskOwner:
    """Starts tasks, keeps them alive, sees their failures and ends them together.

    ``on_failure(name, error)`` is called, in the loop, for a task that ended with an exception other
    than cancellation. It must not raise.
    """

    def __init__(self, on_failure: FailureHandler) -> None:
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[object]] = set()
        self._standing: set[asyncio.Task[object]] = set()

    def __len__(self) -> int:
        """How many tasks are at work; standing ones do not count."""
        return len(self._tasks) - len(self._standing)

    def spawn(
        self, work: Coroutine[object, object, object], name: str, *, standing: bool = False
    ) -> asyncio.Task[object]:
        """Run ``work`` as a task that this owner answers for. ``standing``: it waits for work as long as the owner
        lives."""
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        if standing:
            self._standing.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        self._standing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_failure(task.get_name(), error)

    async def close(self) -> None:
        """Cancel all that still runs, also what that starts in ending, and wait until it has ended."""
        current = asyncio.current_task()
        while tasks := [task for task in self._tasks if task is not current]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)  # their ends are noted by then
