# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp search``: full-text search in history."""

from __future__ import annotations

from salut.frontends.cli import show, talk
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import MESSAGE, inner, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

SHOWN = 20
FOUND, END = "\x02", "\x03"  # the daemon's marks around what was found


def run(given: Given) -> int:
    """Show messages that hold all the words."""
    with Link(given) as link:
        question: Object = {"query": " ".join(given.many("words")), "limit": given.number("n") or SHOWN}
        if given.maybe("in"):
            profile, address = link.find(given.text("in"))
            question |= {"profile": profile, "conversation": address}
        elif link.named:
            question["profile"] = link.named
        if given.maybe("before"):
            question["before"] = given.text("before")
        page = link.object("history.search", question)
    found = objects(page, "items")
    if given.flag("json"):
        items: list[Json] = [_document(item) for item in found]
        show.data({"items": items, "before": page.get("before"), "after": page.get("after")})
        return 0
    for item in reversed(found):
        _print(item)
    if not found:
        show.note(_("Nothing was found."))
    elif isinstance(page.get("before"), str) and show.for_person():
        show.note(_("older ones: --before {}").format(page["before"]))
    return 0


def _document(item: Object) -> Object:
    excerpt = text(item, "excerpt")
    plain = excerpt.replace(FOUND, "").replace(END, "")
    message: Object = whole(MESSAGE, inner(item, "message"))
    return {
        "profile": text(item, "profile"),
        "message": message,
        "excerpt": plain,
        "found": [*_found(excerpt)],
    }


def _found(excerpt: str) -> list[str]:
    """The pieces between the marks."""
    return [piece.partition(END)[0] for piece in excerpt.split(FOUND)[1:]]


def _print(item: Object) -> None:
    message = inner(item, "message")
    place = show.one_line(text(message, "conversation"))
    head = f"{show.when(number(message, 'at'))}  {place}  {show.one_line(talk.sender(message))}: "
    first, *rest = text(item, "excerpt").split(FOUND)
    parts = [show.one_line(first)]
    for piece in rest:
        hit, _end, after = piece.partition(END)
        parts += [show.paint(show.one_line(hit), "bold"), show.one_line(after)]
    show.say(show.paint(head, "dim") + "".join(parts))


COMMAND = Command(
    "search",
    N_("search in history"),
    Argument("words", N_("messages hold all of them; a word ending in * is a beginning"), "many"),
    Option("--in", metavar="TO", live="names", about=N_("only in this conversation")),
    Option(
        "-n", form="number", metavar="COUNT", least=1, most=500, about=N_("how many at most (default 20)")
    ),
    Option("--before", metavar="MARK", about=N_("older ones than a mark that an earlier run showed")),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "Search in the messages of all profiles, or of one. With --json one document: items (the newest"
        " first; each with profile, message, excerpt and found) and the marks before and after."
    ),
)
