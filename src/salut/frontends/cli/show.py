# SPDX-License-Identifier: AGPL-3.0-or-later
"""Output for people: harmless text, columns, times, colours. Data goes to stdout, all else to stderr."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from salut.frontends.cli.shapes import Json

SECOND = 1_000_000
STYLES = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def is_harmful(character: str) -> bool:
    """Whether a terminal may act on the character, or it turns the direction of what follows.

    Control characters but for line feed and tab, bidirectional embeddings, overrides and isolates, line
    separators, interlinear marks and lone surrogates.
    """
    c = ord(character)
    return (
        (c < 0x20 and c not in (9, 10))
        or 0x7F <= c <= 0x9F
        or 0x2028 <= c <= 0x202E
        or 0x2066 <= c <= 0x206F
        or 0xD800 <= c <= 0xDFFF
        or 0xFFF9 <= c <= 0xFFFB
    )


def harmless(text: str) -> str:
    """``text`` with what could steer a terminal shown as ``<U+001B>``. Line feeds and tabs stay."""
    if text.isprintable():
        return text
    return "".join(f"<U+{ord(c):04X}>" if is_harmful(c) else c for c in text)


def one_line(text: str) -> str:
    """The same, on one line."""
    return harmless(" ".join(text.splitlines()) if not text.isprintable() else text).replace("\t", " ")


def json_text(document: Json, compact: bool = False) -> str:
    """JSON in which what could steer a terminal is escaped."""
    import json

    text = json.dumps(document, ensure_ascii=False, indent=None if compact else 2)
    if not compact or not text.isprintable():
        text = "".join(f"\\u{ord(c):04x}" if is_harmful(c) else c for c in text)
    return text


def data(document: Json) -> None:
    """Write one JSON document."""
    say(json_text(document))


def stream(document: Json) -> None:
    """Write one JSON object on a line of its own, at once."""
    sys.stdout.write(json_text(document, compact=True) + "\n")
    sys.stdout.flush()


def say(text: str = "") -> None:
    """Write a line to stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"jp: {harmless(text)}\n")


def colourful() -> bool:
    """Whether stdout is a terminal on which colours are welcome (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str) -> str:
    """``text`` in a style of ``STYLES`` where colours are welcome."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if text and colourful() else text


def many_colours() -> bool:
    """Whether the terminal says that it knows 256 colours."""
    told = os.environ.get("COLORTERM") or "256" in os.environ.get("TERM", "")
    return bool(told) and colourful()


def tint(text: str, number: int) -> str:
    """``text`` in one of a terminal's 256 colours."""
    return f"\x1b[38;5;{number}m{text}\x1b[0m"


def cells(text: str) -> int:
    """How many columns of a terminal a line takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0
        if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def columns(rows: Iterable[Sequence[str]], styles: Sequence[str] = ()) -> None:
    """Write rows as aligned columns, two spaces between; the last one is not padded."""
    table = [[one_line(cell) for cell in row] for row in rows]
    count = max((len(row) for row in table), default=0)
    widths = [max((cells(row[i]) for row in table if i < len(row)), default=0) for i in range(count)]
    for row in table:
        parts = []
        for i, cell in enumerate(row):
            pad = " " * (widths[i] - cells(cell)) if any(row[i + 1 :]) else ""
            style = styles[i] if i < len(styles) else ""
            parts.append((paint(cell, style) if style else cell) + pad)
        say("  ".join(parts).rstrip())


def day(moment: int) -> str:
    """The local day, e.g. ``Tuesday 2025-03-04``."""
    import time

    return time.strftime("%A %Y-%m-%d", time.localtime(moment // SECOND))


def clock(moment: int) -> str:
    """The local time of day."""
    import time

    return time.strftime("%H:%M:%S", time.localtime(moment // SECOND))


def when(moment: int) -> str:
    """Local day and time, or a dash for no moment."""
    import time

    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment // SECOND)) if moment else "-"


def flush() -> None:
    """Let what was written be seen now."""
    sys.stdout.flush()


def for_person() -> bool:
    """Whether someone reads along: both streams are terminals."""
    return sys.stdout.isatty() and sys.stderr.isatty()
