# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp send``: the hot path. Imports here are looked at by a test."""

from __future__ import annotations

import sys

from salut.frontends.cli import source
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import SalutError, invalid
from salut.model.words import N_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

WAIT_SECONDS = 30.0  # default of --timeout


def run(given: Given) -> int:
    """Send one message, or one for each line of standard input."""
    by_line = given.flag("lines")
    text = given.maybe("text")
    if by_line and text not in (None, "-"):
        from salut.model.words import _

        raise invalid("text", _("--lines reads standard input; give no TEXT with it."))
    if given.seconds("undo") is not None and (by_line or given.maybe("wait") is not None):
        from salut.model.words import _

        raise invalid("undo", _("--undo holds one message back; it does not go with --lines or --wait."))
    with Link(given) as link:
        if by_line:
            profile, to = link.find(given.text("to"))
            for line in source.lines():
                _report(given, profile, _send(link, given, profile, to, line))
            return 0
        body = source.check(text) if text not in (None, "-") else source.whole()
        if not body.strip():
            from salut.model.words import _

            raise invalid("text", _("There is no text to send."))
        profile, to = link.find(given.text("to"))
        if given.seconds("undo") is not None:
            from salut.frontends.cli.commands.undo import hold

            return hold(link, given, profile, to, body)
        return _report(given, profile, _send(link, given, profile, to, body))


def _send(link: Link, given: Given, profile: str, to: str, body: str) -> Object:
    params: Object = {"profile": profile, "to": to, "body": body}
    subject = given.maybe("subject")
    if subject is not None:
        params["subject"] = source.check(subject)
    wait = given.maybe("wait")
    seconds = 0.0
    if wait is not None:
        seconds = given.seconds("timeout") or WAIT_SECONDS
        params["wait"] = wait
        params["timeout"] = seconds
    return as_object(link.write("chat.send", params, seconds))


def _report(given: Given, profile: str, message: Object) -> int:
    """Say what became of the message where that is asked for, or not what was expected."""
    state = message.get("state")
    if given.flag("json"):
        from salut.frontends.cli import shapes, show

        document: Object = {"profile": profile, **shapes.whole(shapes.MESSAGE, message)}
        (show.stream if given.flag("lines") else show.data)(document)
    if state == "failed":
        from salut.model.words import _

        reason = message.get("error") or _("no reason given")
        raise SalutError("refused", _("The message was not taken: {}").format(reason))
    if state == "pending" and not given.flag("json") and sys.stderr.isatty():
        from salut.frontends.cli import show
        from salut.model.words import _

        show.note(_("The message is kept and leaves as soon as there is a link to the server."))
    return 0


WAIT = Option(
    "-w",
    "--wait",
    choices=("server", "delivered", "read"),
    about=N_("wait until the server has taken it, it has arrived, or it was read"),
)
TIMEOUT = Option(
    "--timeout",
    form="seconds",
    metavar="SECONDS",
    least=0.1,
    most=600,
    about=N_("how long to wait at most (default 30); after that the message stays on its way"),
)
COMMAND = Command(
    "send",
    N_("send a message to a person or a room"),
    Argument("to", N_("address, contact, room, or an unambiguous beginning of one"), live="names"),
    Argument("text", N_("the message; “-” or none: standard input"), "optional"),
    Option("-s", "--subject", metavar="TEXT", about=N_("send a message of type normal with this subject")),
    WAIT,
    TIMEOUT,
    Option(
        "-u",
        "--undo",
        form="seconds",
        metavar="SECONDS",
        least=0,
        most=600,
        about=N_("hold it that long, so that “jp undo” can take it back"),
    ),
    Option(
        "-l", "--lines", form="flag", about=N_("send each line of standard input as a message, as it comes")
    ),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "Send a message. It is stored first and leaves as soon as the profile is connected, so it is not lost"
        " if there is no network now. With --json the message is written as it was stored; with --lines as"
        " well, one JSON object a line."
    ),
)
