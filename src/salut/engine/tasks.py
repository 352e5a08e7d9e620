# SPDX-License-Identifier: AGPL-3.0-or-later
"""Long jobs: visible to every window, with progress and cancel."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import msgspec

from salut.api.contract import DAEMON_JOURNAL
from salut.api.core import TasksApi
from salut.engine.journal import Journal
from salut.model import moment
from salut.model.errors import SalutError, not_found
from salut.model.owner import TaskOwner
from salut.model.task import Task
from salut.model.words import _

KEPT = 20  # ended jobs that stay visible


class Progress:
    """Handed to a job: tell how far it is (0.0 to 1.0) and what it does."""

    def __init__(self, tell: Callable[[float | None, str], None]) -> None:
        self._tell = tell

    def __call__(self, progress: float | None, detail: str = "") -> None:
        self._tell(progress, detail)


class Tasks(TasksApi):
    """All jobs of the daemon."""

    def __init__(self, journal: Journal, owner: TaskOwner) -> None:
        self._journal = journal
        self._owner = owner
        self._tasks: dict[str, Task] = {}
        self._running: dict[str, asyncio.Task[object]] = {}

    def run(self, title: str, work: Callable[[Progress], Awaitable[object]]) -> str:
        """Start a job; returns its id."""
        key = secrets.token_hex(6)
        self._set(Task(id=key, title=title, state="running", started=moment.now()))

        def tell(progress: float | None, detail: str) -> None:
            self._set(msgspec.structs.replace(self._tasks[key], progress=progress, detail=detail))

        self._running[key] = self._owner.spawn(self._watch(key, work(Progress(tell))), f"task {title}")
        return key

    async def _watch(self, key: str, work: Awaitable[object]) -> None:
        try:
            await work
            self._end(key, "done", "")
        except asyncio.CancelledError:
            self._end(key, "cancelled", "")
        except SalutError as error:
            self._end(key, "failed", error.message)
        except BaseException as error:
            self._end(key, "failed", repr(error))
            raise
        finally:
            self._running.pop(key, None)

    def _end(self, key: str, state: str, detail: str) -> None:
        task = self._tasks[key]
        self._set(msgspec.structs.replace(task, state=state, detail=detail or task.detail, cancellable=False))
        ended = [k for k, t in self._tasks.items() if t.state != "running"]
        for old in ended[:-KEPT]:
            del self._tasks[old]
            self._journal.passing(DAEMON_JOURNAL, "task", old, None)

    def _set(self, task: Task) -> None:
        self._tasks[task.id] = task
        self._journal.passing(DAEMON_JOURNAL, "task", task.id, task)

    async def list(self) -> list[Task]:
        return list(self._tasks.values())

    async def cancel(self, *, task: str) -> None:
        if task not in self._tasks:
            raise not_found(_("There is no job {}.").format(task))
        if task in self._running:
            self._running[task].cancel()
