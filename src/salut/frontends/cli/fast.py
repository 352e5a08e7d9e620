# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads a plain command line from its declaration, without ``argparse``.

It says ``None`` to whatever is not plain (help, a mistake, joined short options): then ``parser`` has
``argparse`` look at the same declaration, which also words the mistake. What both accept they read alike.
"""

from __future__ import annotations

from salut.frontends.cli.spec import Argument, Command, Given, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from salut.frontends.cli.spec import Value


def parse(command: Command, words: Sequence[str]) -> Given | None:
    """What ``words`` (after the command's name) say; ``None``: ask ``argparse``."""
    flags = {flag: option for option in command.options for flag in option.flags}
    values: dict[str, Value] = {option.name: option.default for option in command.options}
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            plain.extend(rest)
        elif word.startswith("-") and word != "-":
            if not _option(flags, word, rest, values):
                return None
        else:
            plain.append(word)
    return Given(command, values) if _arguments(command.arguments, plain, values) else None


def _option(flags: dict[str, Option], word: str, rest: Iterator[str], values: dict[str, Value]) -> bool:
    flag, joined, text = word.partition("=")
    option = flags.get(flag)
    if option is None or (joined and not flag.startswith("--")):
        return False
    if option.form == "flag":
        values[option.name] = True
        return not joined
    if not joined:
        following = next(rest, None)
        if following is None or (following.startswith("-") and following != "-"):
            return False
        text = following
    try:
        values[option.name] = option.read(text)
    except ValueError:
        return False
    return True


def _arguments(arguments: tuple[Argument, ...], plain: list[str], values: dict[str, Value]) -> bool:
    left = list(plain)
    for argument in arguments:
        if argument.count in ("many", "any"):
            if argument.count == "many" and not left:
                return False
            values[argument.name] = left
            left = []
            continue
        if not left:
            if argument.count == "one":
                return False
            values[argument.name] = None
            continue
        word = left.pop(0)
        if argument.choices and word not in argument.choices:
            return False
        values[argument.name] = word
    return not left
