# SPDX-License-Identifier: AGPL-3.0-or-later
"""``argparse`` made from the declaration: help, mistakes in words, and the tree for man pages."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn, cast

from salut.frontends.cli import exits
from salut.frontends.cli.spec import Argument, Command, Given, Option
from salut.model.words import N_, _

if TYPE_CHECKING:
    from salut.frontends.cli.spec import Value

NARGS: Final = {"one": None, "optional": "?", "many": "+", "any": "*"}
ENVIRONMENT: Final = (
    ("SALUT_PROFILE", N_("the profile to use where --profile is not given")),
    ("SALUT_RUNTIME", N_("the folder of the daemon's socket")),
    ("NO_COLOR", N_("set and not empty: no colours")),
)


class Helped(argparse.HelpFormatter):
    """Keeps the lines of epilogs that are tables, and folds paragraphs."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        blocks = text.split("\n\n")
        return "\n\n".join(
            block if "\n  " in block else super(Helped, self)._fill_text(block, width, indent)
            for block in blocks
        )


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that says where help is."""

    def error(self, message: str) -> NoReturn:
        """Name the mistake and end with the code for wrong usage."""
        self.print_usage()
        hint = _("Try “{} --help”.").format(self.prog)
        self.exit(exits.USAGE, f"{self.prog}: {message}\n{hint}\n")

    def print_usage(self, file: object = None) -> None:
        """Usage goes to stderr: it is shown only with a mistake."""
        import sys

        super().print_usage(sys.stderr)


def epilog() -> str:
    """The table of exit codes and the environment, under every help."""
    lines = [_("Exit codes:")]
    lines += [f"  {code:<4} {_(text)}" for code, text in exits.TABLE]
    environment = [
        _("Environment:"),
        *(f"  {name:<14} {_(text)}" for name, text in ENVIRONMENT),
    ]
    return "\n".join(lines) + "\n\n" + "\n".join(environment)


def parse(command: Command, path: str, words: Sequence[str]) -> Given:
    """Let ``argparse`` read ``words``. Ends the process after help (0) or a mistake (2)."""
    parser = leaf(command, path)
    if command.commands:
        parser.parse_args(words)
        parser.error(_("a command is missing"))
    named = vars(parser.parse_intermixed_args(words))
    return Given(command, {name: cast("Value", value) for name, value in named.items() if name != "help"})


def leaf(command: Command, path: str) -> argparse.ArgumentParser:
    """The parser of one command; of a group, with the commands in it."""
    parser = Parser(
        prog=path,
        description=_(command.story or command.about),
        epilog=epilog(),
        formatter_class=Helped,
        allow_abbrev=False,
    )
    _fill(parser, command, path)
    return parser


def _fill(parser: argparse.ArgumentParser, command: Command, path: str) -> None:
    for option in command.options:
        _add_option(parser, option)
    for argument in command.arguments:
        _add_argument(parser, argument)
    if not command.commands:
        return
    tree = parser.add_subparsers(
        title=_("commands"),
        metavar=_("COMMAND"),
        required=not command.default,
        parser_class=Parser,
        dest="command",
    )
    for inner in command.commands:
        below = tree.add_parser(
            inner.name,
            prog=f"{path} {inner.name}",
            help=_(inner.about),
            description=_(inner.story or inner.about),
            formatter_class=Helped,
            allow_abbrev=False,
        )
        _fill(below, inner, f"{path} {inner.name}")


def _add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    if option.form == "flag":
        parser.add_argument(*option.flags, dest=option.name, action="store_true", help=_(option.about))
        return

    def read(text: str) -> Value:
        try:
            return option.read(text)
        except ValueError:
            raise argparse.ArgumentTypeError(wrong(option, text)) from None

    parser.add_argument(
        *option.flags,
        dest=option.name,
        type=read,
        default=option.default,
        metavar=None if option.choices else option.metavar,
        choices=option.choices or None,
        help=_(option.about),
    )


def _add_argument(parser: argparse.ArgumentParser, argument: Argument) -> None:
    parser.add_argument(
        argument.name,
        nargs=NARGS[argument.count],
        metavar=None if argument.choices else argument.metavar,
        choices=argument.choices or None,
        help=_(argument.about) if argument.about else argparse.SUPPRESS,
    )


def wrong(option: Option, text: str) -> str:
    """Why ``text`` is not a value of ``option``."""
    if option.choices:
        return _("“{}” is none of {}").format(text, ", ".join(option.choices))
    kind = _("a whole number") if option.form == "number" else _("a number of seconds")
    return _("“{}” is not {} from {:g} to {:g}").format(text, kind, option.least, option.most)
