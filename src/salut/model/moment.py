# SPDX-License-Identifier: AGPL-3.0-or-later
"""Time: whole microseconds since 1970-01-01T00:00:00Z, everywhere."""

from __future__ import annotations

import time
from datetime import UTC, datetime

Moment = int

SECOND = 1_000_000


def now() -> Moment:
    """The present, by the system's clock."""
    return time.time_ns() // 1000


def iso(moment: Moment) -> str:
    """ISO 8601 in UTC with microseconds, as ``jp --json`` and the exports write it."""
    return (
        datetime.fromtimestamp(moment / SECOND, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    )


def parse(text: str) -> Moment:
    """Read an XMPP date-time (XEP-0082) or another ISO 8601 one; no zone means UTC.

    ``ValueError`` if it is none.
    """
    when = datetime.fromisoformat(text.strip())
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    whole = when.astimezone(UTC).replace(microsecond=0)
    return int(whole.timestamp()) * SECOND + when.microsecond
