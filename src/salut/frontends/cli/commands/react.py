# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp react``: an emoji under a message."""

from __future__ import annotations

from salut.frontends.cli import acting, which
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import invalid
from salut.model.words import N_, _


def run(given: Given) -> int:
    """Put reactions under a message, or take them away."""
    emoji = given.many("emoji")
    if given.flag("off"):
        return acting.act(given, "reactions.react", remove=emoji or ["*"])
    if not emoji:
        raise invalid("emoji", _("Which reaction? For example: jp react last 👍"))
    return acting.act(given, "reactions.react", add=emoji)


COMMAND = Command(
    "react",
    N_("put an emoji under a message"),
    which.argument(),
    Argument("emoji", N_("one or more reactions"), "any"),
    Option("--off", form="flag", about=N_("take these away; without EMOJI all of yours")),
    PROFILE,
    JSON,
    run=run,
)
