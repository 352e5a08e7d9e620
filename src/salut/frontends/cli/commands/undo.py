# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp undo``, and what ``jp send --undo`` does."""

from __future__ import annotations

from salut.frontends.cli import show, source
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import SCHEDULED, number, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object


def hold(link: Link, given: Given, profile: str, to: str, body: str) -> int:
    """Send a message after a moment in which it can be taken back."""
    params: Object = {"profile": profile, "to": to, "body": body, "undo": given.seconds("undo")}
    subject = given.maybe("subject")
    if subject is not None:
        params["subject"] = source.check(subject)
    held = as_object(link.write("later.send", params))
    if given.flag("json"):
        show.data({"profile": profile, **whole(SCHEDULED, held)})
    elif show.for_person() and number(held, "id"):
        show.note(_("Held back until {}. Take it back: jp undo").format(show.clock(number(held, "at"))))
    return 0


def key_of(word: str) -> int:
    """The number of what waits. Raises ``invalid``."""
    if not (word.isascii() and word.isdigit() and len(word) < 16):
        raise invalid(
            "id", _("“{}” is no number of what waits. See them: jp schedule list").format(word[:80])
        )
    return int(word)


def run(given: Given) -> int:
    """Take a message back."""
    word = given.maybe("id")
    with Link(given) as link:
        profile = link.profile()
        params: Object = {"profile": profile}
        if word is not None:
            params["scheduled"] = key_of(word)
        taken = as_object(link.write("later.undo", params))
    if given.flag("json"):
        show.data({"profile": profile, **whole(SCHEDULED, taken)})
    elif text(taken, "state") == "stopped":
        show.note(text(taken, "error"))
    else:
        show.say(
            _("Taken back; its text is the draft again: jp draft {}").format(
                show.one_line(text(taken, "conversation"))
            )
        )
    return 0


COMMAND = Command(
    "undo",
    N_("take a message back that has not left yet"),
    Argument("id", N_("its number (jp schedule list); none: the newest that is held back"), "optional"),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "Take back what jp send --undo, or another window, holds back for a moment. Its text becomes the draft"
        " again. What has left cannot be taken back."
    ),
)
