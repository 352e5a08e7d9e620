# SPDX-License-Identifier: AGPL-3.0-or-later
"""Passwords: by prompt, from a file or from a program's output. Never on a command line, where all see it."""

from __future__ import annotations

import sys

from salut.frontends.cli.spec import Option
from salut.model.errors import SalutError, invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.spec import Given

MAX_BYTES = 4096
COMMAND_SECONDS = 120  # a password program may ask the person something
OPTIONS = (
    Option(
        "--password-file",
        metavar="FILE",
        live="file",
        about=N_("take the password from the first line of a file; “-”: standard input"),
    ),
    Option(
        "--password-command",
        metavar="COMMAND",
        about=N_(
            "take the password from the first line that a shell command writes, such as “pass show xmpp”"
        ),
    ),
)


def given(words: Given) -> str | None:
    """The password that the options name, or ``None`` where they are absent."""
    return found(words.maybe("password_file"), words.maybe("password_command"))


def found(file: str | None, command: str | None) -> str | None:
    """The first line of a file (“-”: standard input), or of a command's output; ``None`` for neither."""
    if file is not None and command is not None:
        raise invalid("password-file", _("--password-file and --password-command contradict each other."))
    if file is not None:
        return _first_line(_read(file))
    return _first_line(_output(command)) if command is not None else None


def asked(words: Given, prompt: str) -> str:
    """The password that the options name, else what the person types. ``invalid`` without a terminal."""
    named = given(words)
    if named is not None:
        return named
    if sys.stdin is None or not sys.stdin.isatty():
        raise invalid(
            "password-file",
            _("There is no terminal to ask for the password: use --password-file or --password-command."),
        )
    from getpass import getpass

    typed = getpass(prompt)
    if not typed:
        raise invalid("password", _("The password is empty."))
    return typed


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.readline(MAX_BYTES + 2)
    with open(file, "rb") as stream:  # noqa: PTH123 - one line of one file
        return stream.readline(MAX_BYTES + 2)


def _output(command: str) -> bytes:
    import subprocess

    try:
        ran = subprocess.run(  # noqa: S602 - the person's own command, meant for their shell
            command, shell=True, stdout=subprocess.PIPE, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise SalutError("timeout", _("The password command did not end.")) from None
    if ran.returncode != 0:
        raise invalid(
            "password-command", _("The password command ended with exit code {}.").format(ran.returncode)
        )
    return ran.stdout


def _first_line(raw: bytes) -> str:
    line = raw.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line or len(line) > MAX_BYTES:
        raise invalid("password", _("The password is empty.") if not line else _("The password is too long."))
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise invalid("password", _("The password is not valid UTF-8.")) from None
