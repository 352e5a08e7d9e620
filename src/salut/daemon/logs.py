# SPDX-License-Identifier: AGPL-3.0-or-later
"""The daemon's log: lines for people on standard error (the journal of systemd) and in memory for ``jp daemon log``."""

from __future__ import annotations

import sys
from collections import deque

import structlog


class _Lines:
    """A file that structlog writes to: the last lines are kept, all go on."""

    def __init__(self, kept: deque[str]) -> None:
        self._kept = kept

    def write(self, text: str) -> int:
        """Take text, whole lines."""
        self._kept.extend(text.rstrip("\n").splitlines())
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Pass on."""
        sys.stderr.flush()


def make_log(kept: deque[str], level: int) -> structlog.stdlib.BoundLogger:
    """A logger with time and level. Nobody hands it message bodies or passwords."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(_Lines(kept)),  # type: ignore[arg-type]  # a file by its two methods
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(
                key_order=["timestamp", "level", "event"], drop_missing=True
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return logger
