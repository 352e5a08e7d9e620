# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp reply``: answer one message among many."""

from __future__ import annotations

from salut.frontends.cli import show, source, which
from salut.frontends.cli.commands.send import TIMEOUT, WAIT, WAIT_SECONDS
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import MESSAGE, number, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object


def run(given: Given) -> int:
    """Answer a message."""
    text = given.maybe("text")
    body = source.check(text) if text not in (None, "-") else source.whole()
    if not body.strip():
        raise invalid("text", _("There is no text to send."))
    wait = given.maybe("wait")
    seconds = (given.seconds("timeout") or WAIT_SECONDS) if wait else 0.0
    with Link(given) as link:
        profile, message = which.find(link, given.text("message"))
        params: Object = {"profile": profile, "message": number(message, "id"), "body": body}
        if wait:
            params |= {"wait": wait, "timeout": seconds}
        sent = as_object(link.write("replies.reply", params, seconds))
    if given.flag("json"):
        show.data({"profile": profile, **whole(MESSAGE, sent)})
    return 0


COMMAND = Command(
    "reply",
    N_("answer a particular message"),
    which.argument(),
    Argument("text", N_("the answer; “-” or none: standard input"), "optional"),
    WAIT,
    TIMEOUT,
    PROFILE,
    JSON,
    run=run,
)
