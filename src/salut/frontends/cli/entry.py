# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command ``jp``: finds the command's module, parses, runs, and turns what goes wrong into an exit code.

Speed is part of the contract (``jp --version`` at most 2 times, ``jp send`` at most 3 times what an
interpreter takes to start and end), so imports here and in ``spec``, ``fast``, ``link`` and ``commands.send``
are few and looked at by a test.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

BROKEN_PIPE = 141  # as a shell tells of a program that SIGPIPE ended


def main(words: Sequence[str] | None = None) -> int:
    """Run ``jp`` with ``words`` (default: the process's). Returns the exit code (``exits.TABLE``)."""
    given = sys.argv[1:] if words is None else list(words)
    if given in (["--version"], ["-V"]):
        from salut import __version__

        sys.stdout.write(f"jp {__version__}\n")
        return 0
    from salut.model.errors import SalutError

    try:
        try:
            return _run(given)
        finally:
            sys.stdout.flush()
    except SalutError as error:
        return _tell(error, "--json" in given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _forget_stdout()
        return BROKEN_PIPE
    except OSError as error:
        _forget_stdout()
        return _tell(_outside(error), "--json" in given)


def _run(words: list[str]) -> int:
    from salut.frontends.cli.tree import find

    # Remote text may hold what the terminal's encoding lacks: show it escaped instead of failing.
    getattr(sys.stdout, "reconfigure", _nothing)(errors="backslashreplace")
    getattr(sys.stderr, "reconfigure", _nothing)(errors="backslashreplace")
    command, path, rest = find(words)
    if command.run is not None:
        from salut.frontends.cli import fast

        given = fast.parse(command, rest)
        if given is not None:
            return command.run(given)
    from salut.frontends.cli import parser

    given = parser.parse(command, path, rest)
    assert command.run is not None, path
    return command.run(given)


def _nothing(errors: str) -> None:
    """For streams that tests put in the place of the process's."""


def _tell(error: BaseException, as_json: bool) -> int:
    from salut.frontends.cli.failure import tell

    return tell(error, as_json)


def _outside(error: OSError) -> BaseException:
    from salut.frontends.cli.failure import outside

    return outside(error)


def _forget_stdout() -> None:
    """Give stdout to nobody, so that the interpreter's last flush cannot fail again."""
    import os

    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # a stream that is no file
        return
