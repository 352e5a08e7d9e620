# SPDX-License-Identifier: AGPL-3.0-or-later
"""Completion: what jp answers, and the scripts in the shells themselves."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from salut.frontends.cli import complete
from salut.frontends.cli.complete import FILES, candidates
from salut.frontends.cli.tree import NAMES
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon, Params
from tests.cli.test_commands import ALICE, CAROL, plain

EVIL = "bob;touch$IFS'pwned'$(touch pwned)`touch pwned`"
PEOPLE = ["bob@localhost", "bob two@localhost", "ben@localhost", EVIL, "bo\nx@y", "b\x1bc@d"]


@pytest.fixture(autouse=True)
def answers(daemon: FakeDaemon) -> None:
    def names(params: Params) -> object:
        return [name for name in PEOPLE if name.startswith(params["text"])]

    daemon.answers["names.complete"] = names
    daemon.answers["profiles.list"] = lambda _: plain([ALICE, CAROL])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", list(NAMES)),
        ("se", ["send", "search", "server"]),
        ("--profile alice se", ["send", "search", "server"]),
        ("--v", ["--version"]),
        ("room l", ["leave", "list"]),
        ("room --js", ["--json"]),
        ("room join --n", ["--nick"]),
        ("send bo", ["bob@localhost", "bob two@localhost", EVIL]),
        ("send bob@localhost ", []),
        ("send --wait ", ["server", "delivered", "read"]),
        ("send --wait=de", ["--wait=delivered"]),
        ("send --wait read be", ["ben@localhost"]),
        ("send --profile ", ["alice", "carol"]),
        ("send -- be", ["ben@localhost"]),
        ("send -- --", []),
        ("search fox --in be", ["ben@localhost"]),
        ("status ", ["online", "chat", "away", "xa", "dnd", "offline"]),
        ("profile connect ", ["alice", "carol"]),
        ("profile create x y --password-file ", [FILES]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("completion bash ", []),
        ("watch --fr", ["--from"]),
        ("nonsense ", list(NAMES)),
    ],
)
def test_candidates(line: str, words: list[str]) -> None:
    *before, current = line.split(" ")
    assert [word for word, _help in candidates(before, current)] == words


def test_without_a_daemon_nothing_is_said_or_started(jp: Jp, daemon: FakeDaemon, runtime: Path) -> None:
    daemon.close()
    done = jp("completion", "fish", "--", "send", "b")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert not (runtime / "launch.log").exists()
    assert (
        jp("completion", "fish", "--", "rea").out
        == "react\tput an emoji under a message\nread\tmark a conversation as read, in every window\n"
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("jp send ", (["jp", "send"], "", "")),
        ("jp  send b", (["jp", "send"], "b", "b")),
        (r"jp send a\ b", (["jp", "send"], r"a\ b", "a b")),
        ("jp send 'a b", (["jp", "send"], "'a b", "a b")),
        ('jp send "x y" z', (["jp", "send", "x y"], "z", "z")),
        ("", ([], "", "")),
    ],
)
def test_lines_are_read_as_bash_does(line: str, found: tuple[list[str], str, str]) -> None:
    assert complete.split(line) == found


@pytest.fixture
def shell_environment(tmp_path: Path, runtime: Path) -> Mapping[str, str]:
    """An environment in which the command ``jp`` is this one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "jp"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m salut.frontends.cli "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    home = tmp_path / "home"
    home.mkdir()
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
    }


def shell(name: str, code: str, environment: Mapping[str, str], folder: Path, *options: str) -> list[str]:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    ran = subprocess.run(
        [program, *options, "-c", code],
        capture_output=True,
        env=environment,
        timeout=60,
        cwd=folder,
        text=True,
    )
    assert ran.stderr == ""
    assert not (folder / "pwned").exists()
    return ran.stdout.splitlines()


BASH_ASK = r"""
source <(jp completion bash)
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
_jp jp "$2" ""
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("line", "current", "replies"),
    [
        ("jp se", "se", ["send", "search", "server"]),
        ("jp send ben", "ben", ["ben@localhost"]),
        ("jp send ben@lo", "lo", ["localhost"]),
        ("jp send bob\\ ", "bob\\ ", [r"bob\ two@localhost"]),
        ("jp send --wait=r", "r", ["read"]),
        ("jp profile create a b --ca-file f", "f", ["file name"]),
        ("jp send ben@localhost ", "", [""]),
    ],
)
def test_bash(
    daemon: FakeDaemon,
    shell_environment: Mapping[str, str],
    tmp_path: Path,
    line: str,
    current: str,
    replies: list[str],
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "file name").touch()
    code = f"set -- '{line}' '{current}'\n{BASH_ASK}"
    assert shell("bash", code, shell_environment, folder, "--norc") == replies


def test_bash_takes_hostile_names_as_text(
    daemon: FakeDaemon, shell_environment: Mapping[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    code = "set -- 'jp send bob\\;' ''\n" + BASH_ASK + 'eval "word=${COMPREPLY[0]}"; printf "%s\\n" "$word"'
    replies = shell("bash", code, shell_environment, folder, "--norc")
    assert replies[-1] == EVIL  # even when the person presses Enter on it


ZSH_ASK = r"""
autoload -Uz compinit && compinit -u -d $HOME/dump
source <(jp completion zsh)
compadd() { print -rl -- "${shown[@]}"; print -rl -- "${values[@]}" }
_files() { print files }
words=(WORDS); CURRENT=${#words}; PREFIX=${words[-1]}
_jp
"""


@pytest.mark.parametrize(
    ("words", "replies"),
    [
        ("jp sea", ["search  -- search in history", "search"]),
        ("jp send ben", ["ben@localhost", "ben@localhost"]),
        ("jp send 'bob\\;'", [EVIL, EVIL]),
        ("jp profile create a b --ca-file f", ["files"]),
        ("jp send ben@localhost ''", []),
    ],
)
def test_zsh(
    daemon: FakeDaemon, shell_environment: Mapping[str, str], tmp_path: Path, words: str, replies: list[str]
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    assert shell("zsh", ZSH_ASK.replace("WORDS", words), shell_environment, folder, "-f") == replies


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("jp sea", ["search\tsearch in history"]),
        ("jp send ben", ["ben@localhost"]),
        ("jp send ben@localhost x", []),
    ],
)
def test_fish(
    daemon: FakeDaemon, shell_environment: Mapping[str, str], tmp_path: Path, line: str, replies: list[str]
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    code = f"jp completion fish | source; complete -C '{line}'"
    assert shell("fish", code, shell_environment, folder, "--no-config") == replies
