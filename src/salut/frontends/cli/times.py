# SPDX-License-Identifier: AGPL-3.0-or-later
"""Times as people give them: local, absolute or back from now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from salut.model.errors import invalid
from salut.model.words import _

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
MOST_AHEAD = 100 * 365 * 86_400  # seconds


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


def ahead(text: str) -> int:
    """The moment that far from now: a number with one of the units s, m, h, d, w. ``SalutError('invalid')``."""
    text = text.strip()
    if text[-1:] in UNITS and text[:-1].isascii() and text[:-1].isdigit() and int(text[:-1][:9]) > 0:
        seconds = int(text[:-1][:9]) * UNITS[text[-1]]
        return int((datetime.now(UTC) + timedelta(seconds=min(seconds, MOST_AHEAD))).timestamp()) * 1_000_000
    raise invalid("for", _("“{}” is no length of time; try 30m, 8h or 2d.").format(text[:80]))


def to_come(text: str) -> int:
    """The moment that ``text`` names, in the future: a time of day is the next one. ``SalutError('invalid')``."""
    found, now = moment(text), int(datetime.now(UTC).timestamp()) * 1_000_000
    if found <= now and ":" in text and "-" not in text:
        found += 86_400_000_000
    if found <= now:
        raise invalid("until", _("“{}” has passed.").format(text[:80]))
    return found


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
