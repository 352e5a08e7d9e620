# SPDX-License-Identifier: AGPL-3.0-or-later
"""What may come next on a command line, from the declaration and, for names, from the daemon.

It starts no daemon, says nothing on errors and takes at most ``SECONDS``: a shell waits for it at a key.
"""

from __future__ import annotations

from salut.client import wire
from salut.frontends.cli import show
from salut.frontends.cli.shapes import objects, text
from salut.frontends.cli.spec import Command, Option
from salut.frontends.cli.tree import NAMES, load, root
from salut.model.errors import SalutError
from salut.model.words import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object
    from salut.frontends.cli.spec import Live

SECONDS = 1.0
LIMIT = 100  # names
FILES = "\tfiles"  # tells the script to complete file names itself
PLAIN = frozenset("@%+=:,./-_")  # besides letters and digits: needs no quoting in bash
Candidate = tuple[str, str]


def answer(shell: str, words: list[str]) -> None:
    """Write a line for each candidate, as the shell's script in ``scripts`` wants it.

    From bash come the line up to the cursor and its ``COMP_WORDBREAKS``, from the others the words after
    ``jp``, the last one unfinished.
    """
    if shell != "bash":
        for word, help_text in candidates(words[:-1], words[-1]):
            show.say(f"{word}\t{show.one_line(help_text)}" if help_text else word)
        return
    before, raw, current = split(words[0])
    breaks = words[1] if len(words) > 1 else ""
    kept = max((raw.rfind(c) + 1 for c in breaks if c in "@=:"), default=0)
    for word, _help in candidates(before[1:], current):
        show.say(word if word == FILES else quote(word)[kept:])


def candidates(before: list[str], current: str) -> list[Candidate]:
    """What ``current`` may become after the words ``before``, with descriptions; ``FILES`` for file names."""
    command, rest = _descend(before)
    found = _inside(command, rest, current)
    return [c for c in found if c[0] == FILES or (c[0].startswith(current) and c[0].isprintable())]


def _descend(words: list[str]) -> tuple[Command, list[str]]:
    """The command that is being written, and its words so far."""
    i = 0
    while i < len(words) and words[i].startswith("-"):
        i += 2 if words[i] in ("-p", "--profile") else 1
    if i >= len(words) or words[i] not in NAMES:
        return root(), words
    command = load(words[i])
    rest = words[i + 1 :]
    while rest and (inner := {c.name: c for c in command.commands}.get(rest[0])):
        command, rest = inner, rest[1:]
    return command, rest


def _inside(command: Command, words: list[str], current: str) -> list[Candidate]:
    if command.commands and not current.startswith("-"):
        found = [(inner.name, _(inner.about)) for inner in command.commands]
        if not command.loose:
            return found
        return (found if not words else []) + _inside(_default(command), words, current)
    if command.commands and command.default:
        command = _default(command)
    flags = {flag: option for option in command.options for flag in option.flags}
    place = 0  # the argument whose turn it is
    waiting: Option | None = None
    ended = False
    for word in words:
        if waiting is not None:
            waiting = None
        elif word == "--" and not ended:
            ended = True
        elif not ended and word.startswith("-") and word != "-":
            option = flags.get(word)
            waiting = option if option is not None and option.form != "flag" else None
        else:
            place += 1
    if waiting is not None:
        return _values(waiting.choices, waiting.live, current)
    if current.startswith("-") and not ended:
        return _options(command, flags, current)
    if not command.arguments:
        return []
    argument = command.arguments[min(place, len(command.arguments) - 1)]
    if place >= len(command.arguments) and argument.count not in ("many", "any"):
        return []
    return _values(argument.choices, argument.live, current) if argument.about else []


def _default(command: Command) -> Command:
    return next(inner for inner in command.commands if inner.name == command.default)


def _options(command: Command, flags: dict[str, Option], current: str) -> list[Candidate]:
    flag, joined, value = current.partition("=")
    if joined:
        option = flags.get(flag)
        values = _values(option.choices, option.live, value) if option is not None else []
        return [(f"{flag}={word}", help_text) for word, help_text in values if word != FILES]
    own = [(option.flags[-1], _(option.about)) for option in command.options if option.about]
    return [*own, ("--help", _("show help"))]


def _values(choices: tuple[str, ...], live: Live, current: str) -> list[Candidate]:
    if choices:
        return [(choice, "") for choice in choices]
    if live == "file":
        return [(FILES, "")]
    if live == "names":
        # What a line of the shell cannot hold whole is left out by ``candidates``.
        found = _ask("names.complete", {"text": current, "limit": LIMIT})
        return [(name, "") for name in found if isinstance(name, str)] if isinstance(found, list) else []
    if live == "profiles":
        return [(text(p, "name"), text(p, "address")) for p in objects(_ask("profiles.list", {}))]
    return []


def _ask(method: str, params: Object) -> Json:
    try:
        with wire.connect(start=False, timeout=SECONDS) as connection:
            value: Json = connection.call(method, params).value
            return value
    except SalutError:
        return None


def quote(word: str) -> str:
    """``word`` so that bash takes it as it is."""
    return "".join(c if c.isalnum() or c in PLAIN else f"\\{c}" for c in word)


def split(line: str) -> tuple[list[str], str, str]:
    """Words before the cursor as bash reads them; the last, unfinished one as it stands and as it is read."""
    words: list[str] = []
    raw, word, mark = "", "", ""
    letters = iter(line)
    for letter in letters:
        if mark:
            raw += letter
            if letter == mark:
                mark = ""
            else:
                word += letter
        elif letter in " \t\n":
            if raw:
                words.append(word)
            raw, word = "", ""
        elif letter in "'\"":
            mark = letter
            raw += letter
        else:
            if letter == "\\":
                raw += letter
                letter = next(letters, "")  # what is escaped stands for itself
            raw += letter
            word += letter
    return words, raw, word
