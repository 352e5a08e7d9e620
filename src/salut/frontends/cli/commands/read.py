# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp read``: the read mark, which is the same in every window."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import CONVERSATION, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object


def run(given: Given) -> int:
    """Move the read mark of a conversation."""
    up_to, back_to = given.number("up_to"), given.number("back_to")
    if up_to is not None and back_to is not None:
        raise invalid("back-to", _("--up-to and --back-to contradict each other."))
    with Link(given) as link:
        profile, address = link.find(given.text("to"))
        params: Object = {"profile": profile, "conversation": address}
        if back_to is not None:
            conversation = as_object(link.write("history.mark_unread", {**params, "since": back_to}))
        else:
            if up_to is not None:
                params["up_to"] = up_to
            conversation = as_object(link.write("history.mark_read", params))
    if given.flag("json"):
        show.data({"profile": profile, **whole(CONVERSATION, conversation)})
    return 0


COMMAND = Command(
    "read",
    N_("mark a conversation as read, in every window"),
    Argument("to", N_("address, contact, room, or an unambiguous beginning of one"), live="names"),
    Option("--up-to", form="number", metavar="ID", about=N_("only up to this message (default: the newest)")),
    Option(
        "--back-to", form="number", metavar="ID", about=N_("make this message and later ones unread again")
    ),
    PROFILE,
    JSON,
    run=run,
    story=N_("Move the read mark forward, or back with --back-to. With --json the conversation is written."),
)
