# SPDX-License-Identifier: AGPL-3.0-or-later
"""Long jobs that every window can see and cancel."""

from __future__ import annotations

from typing import Literal

import msgspec

TaskState = Literal["running", "done", "failed", "cancelled"]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A long job. ``progress`` is 0.0 to 1.0, ``None`` where it is not known."""

    id: str
    title: str
    state: TaskState
    started: int
    progress: float | None = None
    detail: str = ""
    cancellable: bool = True
