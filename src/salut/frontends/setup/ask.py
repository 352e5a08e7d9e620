# SPDX-License-Identifier: AGPL-3.0-or-later
"""Questions to the person at the terminal."""

from __future__ import annotations

import sys

from salut.frontends.cli import show
from salut.model.errors import SalutError, invalid
from salut.model.words import _


def possible() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def text(question: str, default: str = "") -> str:
    """What the person types, without spaces around it; ``default`` for nothing."""
    shown = f"{question} [{default}]: " if default else f"{question}: "
    return input(show.harmless(shown)).strip() or default


def yes(question: str, default: bool) -> bool:
    """Whether the person agrees. What is neither yes nor no is asked again."""
    choice = _("Y/n") if default else _("y/N")
    while True:
        answer = input(show.harmless(f"{question} [{choice}] ")).strip().lower()
        if not answer:
            return default
        if answer in ("y", "yes", _("y"), _("yes")):
            return True
        if answer in ("n", "no", _("n"), _("no")):
            return False


def password(question: str) -> str:
    """A password, not shown. Asked again while it is empty, three times."""
    from getpass import getpass

    for _again in range(3):
        typed = getpass(f"{question}: ")
        if typed:
            return typed
    raise invalid("password", _("The password is empty."))


def lacking(what: str) -> SalutError:
    """The error for something that was not given where nobody can be asked."""
    return invalid("setup", _("There is no terminal to ask at: give {}.").format(what))
