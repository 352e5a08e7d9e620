# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp retract``: take a message back."""

from __future__ import annotations

from salut.frontends.cli import acting, which
from salut.frontends.cli.spec import JSON, PROFILE, Command, Given
from salut.model.words import N_


def run(given: Given) -> int:
    """Take a message back."""
    return acting.act(given, "edits.retract")


COMMAND = Command(
    "retract",
    N_("take back a message of yours"),
    which.argument(),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "Take back a message that you sent. Its text is erased here, and the others are asked to do the same; nobody"
        " can be made to forget what was read."
    ),
)
