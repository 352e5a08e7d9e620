# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tree of commands. Only the module of the command that is asked for is imported."""

from __future__ import annotations

from salut.frontends.cli.spec import Command, Option
from salut.model.words import N_

NAMES = (
    "send",
    "reply",
    "react",
    "edit",
    "retract",
    "log",
    "search",
    "read",
    "draft",
    "notify",
    "schedule",
    "undo",
    "star",
    "watch",
    "hook",
    "contacts",
    "strangers",
    "block",
    "unblock",
    "room",
    "bookmark",
    "pin",
    "mute",
    "status",
    "avatar",
    "vcard",
    "profile",
    "account",
    "invite",
    "server",
    "windows",
    "daemon",
    "export",
    "import",
    "completion",
)
MODULES = {"import": "import_"}  # a word of Python's own is no name of a module
STORY = N_(
    "Talk to people and rooms over XMPP from the command line. jp is one of many windows on the daemon,"
    " which holds the accounts; the first command starts it. Put -- before a text that begins with a dash."
)


def load(name: str) -> Command:
    """The declaration of one command of the first level."""
    path = f"salut.frontends.cli.commands.{MODULES.get(name, name)}"
    module = __import__(path, fromlist=["COMMAND"])
    command = module.COMMAND
    assert isinstance(command, Command), name
    return command


def root() -> Command:
    """``jp`` itself with all its commands; imports them all."""
    version = Option("-V", "--version", form="flag", about=N_("show the version and end"))
    return Command(
        "jp", N_("the command line window of Salut"), version, commands=tuple(map(load, NAMES)), story=STORY
    )


def find(words: list[str]) -> tuple[Command, str, list[str]]:
    """The command that ``words`` ask for, how it is called, and the words left for it.

    ``--profile NAME`` and ``--json`` may stand before the command as well. A group without a further
    word, or followed by an option, is its default command; a loose one also where the word is none of its own.
    """
    lead, rest = _lead(words)
    if not rest or rest[0] not in NAMES:
        return root(), "jp", words
    command = load(rest.pop(0))
    path = f"jp {command.name}"
    while command.commands:
        names = {inner.name: inner for inner in command.commands}
        if rest and rest[0] in names:
            command = names[rest.pop(0)]
        elif command.default and _is_for_default(command, rest):
            command = names[command.default]
        else:
            return command, path, rest
        path = f"{path} {command.name}"
    return command, path, lead + rest


def _is_for_default(command: Command, rest: list[str]) -> bool:
    if not rest:
        return True
    return rest[0] not in ("-h", "--help") and (command.loose or rest[0].startswith("-"))


def _lead(words: list[str]) -> tuple[list[str], list[str]]:
    """Split what may stand before the command from the rest."""
    i = 0
    while i < len(words):
        if words[i] == "--json" or words[i].startswith("--profile="):
            i += 1
        elif words[i] in ("-p", "--profile"):
            i += 2
        else:
            break
    return words[:i], words[i:]
