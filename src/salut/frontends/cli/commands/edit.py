# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp edit``: correct a message."""

from __future__ import annotations

from salut.frontends.cli import acting, source, which
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given
from salut.model.words import N_


def run(given: Given) -> int:
    """Correct a message of one's own."""
    text = given.maybe("text")
    body = source.check(text) if text not in (None, "-") else source.whole()
    return acting.act(given, "edits.edit", body=body)


COMMAND = Command(
    "edit",
    N_("correct a message of yours"),
    which.argument(),
    Argument("text", N_("the new text; “-” or none: standard input"), "optional"),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "Correct a message that you sent. It shows as edited, here and at the others'; those whose programs know no"
        " corrections see a second message."
    ),
)
