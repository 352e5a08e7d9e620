# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp completion``: the script that teaches a shell, and its answers to that script."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.spec import Argument, Command, Given
from salut.model.words import N_


def run(given: Given) -> int:
    """Write the script for a shell; with words (from the script) what may follow them."""
    words = given.many("words")
    if words:
        from salut.frontends.cli.complete import answer

        answer(given.text("shell"), words)
        return 0
    from salut.frontends.cli.scripts import SCRIPTS

    show.say(SCRIPTS[given.text("shell")].strip())
    return 0


COMMAND = Command(
    "completion",
    N_("write the script that completes jp in a shell"),
    Argument("shell", N_("which shell"), choices=("bash", "zsh", "fish")),
    Argument("words", "", "any"),
    run=run,
    story=N_(
        "Write a script that completes commands, options, and the names of contacts and rooms. bash:"
        " put “source <(jp completion bash)” into ~/.bashrc. zsh: put “source <(jp completion zsh)”"
        " into ~/.zshrc, after compinit. fish: run “jp completion fish > ~/.config/fish/completions/jp.fish”."
    ),
)
