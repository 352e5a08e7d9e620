# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp room moderate``: take somebody's message away."""

from __future__ import annotations

from salut.frontends.cli import acting, which
from salut.frontends.cli.spec import JSON, PROFILE, Command, Given, Option
from salut.model.words import N_


def run(given: Given) -> int:
    """Have the room take a message away."""
    return acting.act(given, "edits.moderate", reason=given.text("reason"))


COMMAND = Command(
    "moderate",
    N_("take away somebody's message, as a moderator"),
    which.argument(),
    Option("--reason", metavar="TEXT", about=N_("what everybody is told")),
    PROFILE,
    JSON,
    run=run,
)
