# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the demo prints: plain lines, with a little colour where the terminal has it."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

BOLD, DIM, RED, GREEN, CYAN = "1", "2", "31", "32", "36"
WHO = 22  # columns for who speaks to whom
WORDS = 40  # columns for what they say, before what became of it
COMMAND = 52  # columns for a command, before what it does


class Tell:
    """Prints the story. Colour only to a terminal, and only if ``NO_COLOR`` is not set."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._colour = self._out.isatty() and not os.environ.get("NO_COLOR")
        self._since = time.monotonic()

    def paint(self, text: str, *codes: str) -> str:
        """``text`` in colour, where there is any."""
        return f"\033[{';'.join(codes)}m{text}\033[0m" if self._colour and codes else text

    def line(self, text: str = "") -> None:
        """One line, shown at once."""
        print(text, file=self._out, flush=True)

    def title(self, text: str) -> None:
        """The first line."""
        self.line()
        self.line(self.paint(text, BOLD))
        self.line()
        self._since = time.monotonic()

    def head(self, text: str) -> None:
        """What a block is about."""
        self.line()
        self.line(self.paint(text, BOLD))

    def done(self, text: str) -> None:
        """A step is done; shows how long it took since the one before."""
        now = time.monotonic()
        took = self.paint(f"{now - self._since:4.1f} s", DIM)
        self._since = now
        self.line(f"  {self.paint('✓', GREEN)} {text:<66} {took}")

    def left_out(self, text: str) -> None:
        """A step that cannot be shown here, and why."""
        self._since = time.monotonic()
        self.line(f"  {self.paint('–', DIM)} {text}")

    def said(self, who: str, words: str, fate: str = "") -> None:
        """Somebody said something, and what became of it."""
        tail = self.paint("✓ " + fate, GREEN) if fate else ""
        self.line(f"  {self.paint(f'{who:<{WHO}}', CYAN)} {words:<{WORDS}} {tail}".rstrip())

    def command(self, command: str, about: str) -> None:
        """A command to try. Nothing but the command stands before its words, so that it can be copied."""
        gap = " " * max(2, COMMAND - len(command))
        self.line(f"  {self.paint(command, BOLD)}{gap}{self.paint('# ' + about, DIM)}")

    def problem(self, text: str) -> None:
        """What went wrong."""
        first, *rest = text.splitlines() or [""]
        self.line()
        self.line(f"  {self.paint('✗', RED)} {first}")
        for line in rest:
            self.line(f"    {line}")
