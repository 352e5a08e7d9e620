# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp log``: what was said in a conversation, and what is being said."""

from __future__ import annotations

from salut.frontends.cli import follow, show, talk
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import MESSAGE, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.frontends.cli.times import moment
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

SHOWN = 20  # messages, where neither -n nor --since is given
PAGE = 500  # the most that the daemon gives at once


def run(given: Given) -> int:
    """Show a piece of history; with ``--follow`` go on with what comes."""
    since = given.maybe("since")
    start = moment(since) if since is not None else None
    if given.flag("follow") and given.maybe("before"):
        raise invalid("before", _("--follow shows what comes; it does not go with --before."))
    with Link(given) as link:
        profile, address = link.find(given.text("to"))
        if given.flag("follow"):
            return _follow(link, given, profile, address, start)
        page = _pages(link, given, profile, address, start)
        if given.flag("json"):
            items: list[Json] = [whole(MESSAGE, item) for item in objects(page, "items")]
            place: Object = {"profile": profile, "conversation": address}
            show.data({**place, "items": items, "before": page.get("before"), "after": page.get("after")})
            return 0
        talk.Printer(given.flag("ids")).messages(objects(page, "items"))
        mark = text(page, "before")
        if mark and show.for_person():
            show.note(_("older ones: --before {}").format(mark))
    return 0


def _pages(link: Link, given: Given, profile: str, address: str, start: int | None) -> Object:
    """As many messages as asked for, in their order, as one page."""
    question: Object = {"profile": profile, "conversation": address}
    if start is not None:
        return _forward(link, {**question, "since": start}, given.number("n"))
    wanted = given.number("n") or SHOWN
    page = link.object("history.page", _before(question, given.maybe("before"), wanted))
    items = objects(page, "items")
    before = page.get("before")
    while isinstance(before, str) and len(items) < wanted:
        older = link.object("history.page", _before(question, before, wanted - len(items)))
        found = objects(older, "items")
        items = found + items
        before = older.get("before") if found else None
    return {"items": [*items], "before": before, "after": page.get("after")}


def _before(question: Object, mark: str | None, wanted: int) -> Object:
    limited: Object = {**question, "limit": min(wanted, PAGE)}
    return limited if mark is None else {**limited, "before": mark}


def _forward(link: Link, question: Object, wanted: int | None) -> Object:
    limit = min(wanted or PAGE, PAGE)
    first = link.object("history.page", {**question, "limit": limit})
    items = objects(first, "items")
    after = first.get("after")
    del question["since"]
    while isinstance(after, str) and (wanted is None or len(items) < wanted):
        limit = PAGE if wanted is None else min(PAGE, wanted - len(items))
        page = link.object("history.page", {**question, "after": after, "limit": limit})
        found = objects(page, "items")
        items += found
        after = page.get("after") if found else None
    return {"items": [*items], "before": first.get("before"), "after": after}


def _follow(link: Link, given: Given, profile: str, address: str, start: int | None) -> int:
    """Attach first and look back then: so nothing falls between the two."""
    printer = talk.Printer(given.flag("ids"))
    shown: set[int] = set()

    def tell(message: Object) -> None:
        number = message.get("id")
        if message.get("conversation") != address or not isinstance(number, int) or number in shown:
            return
        shown.add(number)
        if given.flag("json"):
            show.stream({"profile": profile, **whole(MESSAGE, message)})
        else:
            printer.messages([message])
            show.flush()

    for event in follow.Follower("jp log", [profile]).events():
        if event is None:
            for message in objects(_pages(link, given, profile, address, start), "items"):
                tell(message)
        elif isinstance(event, follow.Seen) and event.value is not None:
            if event.name == "message" and event.journal == profile:
                tell(event.value)
        elif isinstance(event, follow.Reset) and event.journal == profile:
            show.note(_("Messages may be missing here; “jp log” shows them all."))
    return 0


COMMAND = Command(
    "log",
    N_("show what was said in a conversation"),
    Argument("to", N_("address, contact, room, or an unambiguous beginning of one"), live="names"),
    Option(
        "-n",
        form="number",
        metavar="COUNT",
        least=1,
        most=100_000,
        about=N_("how many messages (default 20)"),
    ),
    Option("--before", metavar="MARK", about=N_("those before a mark that an earlier run showed")),
    Option(
        "--since",
        metavar="TIME",
        about=N_("from a time on: 2025-03-04, 2025-03-04T12:30, 12:30, or back from now: 90m, 2h, 3d, 1w"),
    ),
    Option("--ids", form="flag", about=N_("show the id of each message, for commands that take a MESSAGE")),
    Option("-f", "--follow", form="flag", about=N_("go on and show messages as they come, until Ctrl-C")),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "Show messages of a conversation, the newest last. With --json one document with items and the marks"
        " before and after; with --follow one JSON object a line. It does not mark anything as read."
    ),
)
