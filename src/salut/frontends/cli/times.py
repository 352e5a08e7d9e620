# SPDX-License-Identifier: AGPL-3.0-or-later
"""Times as people give them: local, absolute or back from now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from salut.model.errors import invalid
from salut.model.words import _

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment(text: str, now: datetime | None = None) -> int:
    """The moment (microseconds, UTC) that ``text`` names. Raises ``SalutError('invalid')``.

    ISO 8601 (no zone: the local one), a time of today, ``today``, ``yesterday``, or a number with one of
    the units s, m, h, d, w for that long ago.
    """
    present = (now or datetime.now(UTC)).astimezone()
    try:
        found = _read(text.strip(), present)
        return int(found.timestamp()) * 1_000_000 + found.microsecond
    except (ValueError, OverflowError):
        raise invalid(
            "since", _("“{}” is no time; try 2025-03-04, 12:30, 2h or yesterday.").format(text[:80])
        ) from None


def _read(text: str, present: datetime) -> datetime:
    midnight = present.replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "today":
        return midnight
    if text == "yesterday":
        return midnight - timedelta(days=1)
    if text[-1:] in UNITS and text[:-1].isdigit():
        return present - timedelta(seconds=int(text[:-1]) * UNITS[text[-1]])
    if ":" in text and "-" not in text and "T" not in text:
        text = f"{present.date().isoformat()}T{text}"
    return datetime.fromisoformat(text).astimezone()
