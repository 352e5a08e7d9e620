# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much a window may cost, and how long it may be silent."""

from __future__ import annotations

from dataclasses import dataclass

from salut.api.wire import PING_SECONDS


@dataclass(frozen=True)
class Bounds:
    """All limits of one binding. The defaults are what the protocol says; tests take smaller ones."""

    queue_bytes: int = 256 * 1024  # live changes that wait for a window; past it they are left to the journal
    queue_count: int = 2_000
    passing_bytes: int = 1 << 20  # passing objects that wait; past it the window is cut off and begins anew
    passing_count: int = 10_000
    answer_bytes: int = 256 * 1024  # answers that wait; past it no more requests are read
    feed_rows: int = 500  # changes read from the journal in one go
    feed_bytes: int = 256 * 1024
    write_buffer: int = 64 * 1024
    send_buffer: int = 0  # bytes in the kernel; 0: what the system gives
    slow_seconds: float = 30.0  # a window that takes nothing for so long is cut off
    ping_seconds: float = PING_SECONDS
    silent_seconds: float = 45.0
    goodbye_seconds: float = 1.0
    connections: int = 256
