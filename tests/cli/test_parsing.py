# SPDX-License-Identifier: AGPL-3.0-or-later
"""The fast parser and ``argparse`` read one declaration alike, and every declaration is whole."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salut.frontends.cli import fast, parser
from salut.frontends.cli.spec import Command, Given
from salut.frontends.cli.tree import NAMES, find, load
from tests.cli.conftest import Jp


def leaves(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    if command.run is not None:
        yield path, command
    for inner in command.commands:
        yield from leaves(inner, f"{path} {inner.name}")


LEAVES = [leaf for name in NAMES for leaf in leaves(load(name), f"jp {name}")]


def by_argparse(command: Command, path: str, words: list[str]) -> Given | None:
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            return parser.parse(command, path, words)
        except SystemExit as end:
            assert end.code == 2
            return None


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, Command, list[str]]:
    path, command = draw(st.sampled_from(LEAVES))
    flags = [flag for option in command.options for flag in option.flags]
    choices = [c for part in (*command.options, *command.arguments) for c in part.choices]
    word = st.sampled_from(
        [*flags, *choices, "bob@localhost", "", "-", "--", "a b", "7", "0.5", "--json=1", "-x", "-n5"]
    )
    joined = st.sampled_from(flags or ["--json"]).map(lambda flag: f"{flag}=7")
    return path, command, draw(st.lists(word | joined, max_size=6))


@settings(max_examples=1500, deadline=None)
@given(lines())
def test_what_the_fast_parser_takes_argparse_reads_alike(case: tuple[str, Command, list[str]]) -> None:
    path, command, words = case
    quick = fast.parse(command, words)
    if quick is not None and "--" not in words:  # argparse of 3.11 loses a second “--” among arguments
        assert quick == by_argparse(command, path, words)


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[path for path, _ in LEAVES])
def test_declarations_are_whole(path: str, command: Command) -> None:
    names = [part.name for part in (*command.options, *command.arguments)]
    assert len(names) == len(set(names))
    assert command.about
    if path != "jp completion":
        assert "json" in names
    assert all(part.about for part in command.options)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("send bob hi", {"to": "bob", "text": "hi"}),
        ("send bob --wait server hi", {"to": "bob", "text": "hi", "wait": "server"}),
        ("send --lines bob", {"to": "bob", "text": None, "lines": True}),
        ("send bob -- -5", {"to": "bob", "text": "-5"}),
        ("send bob - -s=x", None),
        ("log bob -n 5 -f", {"n": 5, "follow": True}),
        ("search a b --in bob", {"words": ["a", "b"], "in": "bob"}),
        ("contacts", {"group": None}),
        ("contacts --json", {"json": True}),
        (
            "contacts add bob@localhost Friends Work",
            {"address": "bob@localhost", "groups": ["Friends", "Work"]},
        ),
        (
            "--json --profile alice contacts add b@c",
            {"json": True, "profile": "alice", "groups": []},
        ),
        ("log bob -n 0", None),
        ("log bob -n five", None),
        ("send bob --wait never", None),
        ("send", None),
        ("send a b c", None),
        ("status away Lunch", {"show": "away", "text": "Lunch"}),
        ("status asleep", None),
    ],
)
def test_lines(line: str, values: dict[str, object] | None) -> None:
    command, path, words = find(line.split())
    quick = fast.parse(command, words)
    if values is None:
        assert quick is None
    else:
        assert quick is not None
        assert values.items() <= quick._values.items()
        assert quick == by_argparse(command, path, words)


@pytest.mark.parametrize("path", ["jp", *(f"jp {name}" for name in NAMES), *(path for path, _ in LEAVES)])
def test_help_needs_no_daemon(jp: Jp, path: str) -> None:
    done = jp(*path.split()[1:], "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: {path} ")
    assert "8    the daemon is not running" in done.out
    assert done.err == ""


@pytest.mark.parametrize("words", [("--version",), ("-V",)])
def test_version(jp: Jp, words: tuple[str, ...]) -> None:
    assert jp(*words).out == "jp 0.1.0\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "required: COMMAND"),
        (("sned",), "invalid choice: 'sned'"),
        (("send",), "required: TO"),
        (("room", "jump"), "invalid choice: 'jump'"),
        (("log", "bob", "-n", "0"), "“0” is not a whole number from 1 to 100000"),
        (("send", "bob", "hi", "--nope"), "unrecognized arguments: --nope"),
    ],
)
def test_mistakes_name_themselves(jp: Jp, words: tuple[str, ...], says: str) -> None:
    done = jp(*words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert "usage: jp" in done.err
