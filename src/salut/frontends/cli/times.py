# SPDX-License-Identifier: AGPL-3.0-or-later
"""Times as people give them: local, absolute, back from now or ahead."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

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


def ahead(text: str, now: datetime | None = None) -> int:
    """The moment to come that ``text`` names: ISO 8601 (no zone: the local one), ``tomorrow``, ``tomorrow 8:30``,
    or a time of day, which is tomorrow's where today's is past. Raises ``SalutError('invalid')``."""
    present = (now or datetime.now(UTC)).astimezone()
    word, _space, rest = text.strip().partition(" ")
    try:
        if word == "tomorrow" or (":" in word and "-" not in word and "T" not in word):
            clock = time.fromisoformat((rest or "00:00" if word == "tomorrow" else word).rjust(5, "0"))
            found = datetime.combine(present.date(), clock)
            if word == "tomorrow" or found.astimezone() <= present:
                found += timedelta(days=1)
        else:
            found = datetime.fromisoformat(text.strip())
        found = found.astimezone()
        return int(found.timestamp()) * 1_000_000 + found.microsecond
    except (ValueError, OverflowError):
        words = _("“{}” is no time; try 2025-03-04T12:30, 18:00 or “tomorrow 8:30”.")
        raise invalid("at", words.format(text[:80])) from None


def span(text: str) -> int:
    """How many microseconds ``text`` says: numbers with the units s, m, h, d, w, such as ``90m`` or ``1h30m``.

    Raises ``SalutError('invalid')``.
    """
    total, number = 0, ""
    for letter in text.strip():
        if letter.isascii() and letter.isdigit() and len(number) < 9:
            number += letter
        elif letter in UNITS and number:
            total += int(number) * UNITS[letter]
            number = ""
        else:
            total = 0
            break
    if number or not total:
        raise invalid("in", _("“{}” is no span of time; try 90s, 10m, 1h30m, 2d or 1w.").format(text[:80]))
    return total * 1_000_000


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
