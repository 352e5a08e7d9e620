# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp star``: messages to be found again."""

from __future__ import annotations

from salut.frontends.cli import show, talk, which
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import MESSAGE, STAR, inner, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Command, Given, Option
from salut.model.words import N_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object


def run_set(given: Given) -> int:
    """Star a message, or take its star away."""
    with Link(given) as link:
        profile, message = which.find(link, given.text("message"))
        params: Object = {"profile": profile, "message": message["id"], "on": not given.flag("off")}
        star = as_object(link.write("stars.set", params))
    if given.flag("json"):
        show.data({"profile": profile, **whole(STAR, star)})
    return 0


def run_list(given: Given) -> int:
    """Show starred messages."""
    with Link(given) as link:
        to = given.maybe("in")
        params: Object = {"limit": given.number("n") or 50}
        if to is not None:
            profile, params["conversation"] = link.find(to)
        else:
            profile = link.profile()
        mark = given.maybe("before")
        if mark is not None:
            params["before"] = mark
        page = link.object("stars.list", {"profile": profile, **params})
    items = objects(page, "items")
    if given.flag("json"):
        found: list[Json] = [
            {"star": whole(STAR, inner(i, "star")), "message": whole(MESSAGE, inner(i, "message"))}
            for i in items
        ]
        show.data({"profile": profile, "items": found, "before": page.get("before")})
        return 0
    for item in items:
        message = inner(item, "message")
        place = show.one_line(text(message, "conversation"))
        head = f"{number(message, 'id')} {show.when(number(message, 'at'))}  {place}  "
        show.say(
            show.paint(head, "dim")
            + f"{show.one_line(talk.sender(message))}: {show.one_line(text(message, 'body'))}"
        )
    return 0


COMMAND = Command(
    "star",
    N_("star messages, to find them again"),
    default="set",
    loose=True,
    commands=(
        Command(
            "set",
            N_("star a message; “set” may be left out"),
            which.argument(),
            Option("--off", form="flag", about=N_("take the star away")),
            PROFILE,
            JSON,
            run=run_set,
            story=N_(
                "Star a message. Stars are the daemon's own: every window shows them, no server learns of it."
            ),
        ),
        Command(
            "list",
            N_("show starred messages, the newest first"),
            Option("--in", metavar="TO", live="names", about=N_("only in this conversation")),
            Option(
                "-n",
                form="number",
                metavar="COUNT",
                least=1,
                most=200,
                about=N_("how many at most (default 50)"),
            ),
            Option("--before", metavar="MARK", about=N_("older ones than a mark that an earlier run showed")),
            PROFILE,
            JSON,
            run=run_list,
        ),
    ),
)
