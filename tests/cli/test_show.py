# SPDX-License-Identifier: AGPL-3.0-or-later
"""Output for people: harmless, aligned, coloured only where that is welcome; times as people give them."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import pytest

from salut.frontends.cli import show
from salut.frontends.cli.times import moment
from salut.model.errors import SalutError

NOW = datetime(2025, 3, 4, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred", "<U+001B>[31mred"),
        ("\x9b2J", "<U+009B>2J"),
        ("a\u202eb\u2066c", "a<U+202E>b<U+2066>c"),
        ("cr\rover", "cr<U+000D>over"),
        ("\ud800", "<U+D800>"),
        ("👩‍👩‍👧 e\u0301 \u200fשלום", "👩‍👩‍👧 e\u0301 \u200fשלום"),
    ],
)
def test_harmless(text: str, shown: str) -> None:
    assert show.harmless(text) == shown


def test_columns_count_what_a_terminal_shows(capsys: pytest.CaptureFixture[str]) -> None:
    show.columns([("漢字", "x"), ("e\u0301", "y"), ("abcd", ""), ("long enough", "z\nz")])
    expected = ["漢字         x", "e\u0301            y", "abcd", "long enough  z z"]
    assert capsys.readouterr().out.splitlines() == expected


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [
        (True, {"TERM": "xterm"}, True),
        (False, {"TERM": "xterm"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, environment: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert show.paint("x", "red") == ("\x1b[31mx\x1b[0m" if coloured else "x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-04T12:00:00.5Z", datetime(2025, 3, 4, 12, 0, 0, 500_000, UTC)),
        ("2025-03-04T12:00+01:00", datetime(2025, 3, 4, 11, tzinfo=UTC)),
        ("2025-03-04", datetime(2025, 3, 3, 23, tzinfo=UTC)),
        ("12:15", datetime(2025, 3, 4, 11, 15, tzinfo=UTC)),
        ("today", datetime(2025, 3, 3, 23, tzinfo=UTC)),
        ("yesterday", datetime(2025, 3, 2, 23, tzinfo=UTC)),
        ("90m", datetime(2025, 3, 4, 11, tzinfo=UTC)),
        ("1w", datetime(2025, 2, 25, 12, 30, tzinfo=UTC)),
    ],
)
def test_times(monkeypatch: pytest.MonkeyPatch, text: str, expected: datetime) -> None:
    monkeypatch.setenv("TZ", "XXX-1")  # an hour east of UTC
    time.tzset()
    try:
        assert moment(text, NOW) == round(expected.timestamp() * 1_000_000)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "soon", "5x", "d", "2025-13-01", "99:99", "9" * 30 + "w", "²d"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(SalutError) as caught:
        moment(text, NOW)
    assert caught.value.code == "invalid"
