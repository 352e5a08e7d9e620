# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp schedule``: messages that leave at a time. The daemon keeps them; no window need stay open."""

from __future__ import annotations

from salut.frontends.cli import show, source, times
from salut.frontends.cli.commands.undo import key_of
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import SCHEDULED, flag, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model import moment
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

STATES = {"sending": N_("leaves now"), "stopped": N_("does not leave"), "sent": N_("has left, late")}


def _at(given: Given) -> int | None:
    at, span = given.maybe("at"), given.maybe("in")
    if at is not None and span is not None:
        raise invalid("in", _("Give --at or --in, not both."))
    if span is not None:
        return moment.now() + times.span(span)
    return times.ahead(at) if at is not None else None


def _body(given: Given) -> str | None:
    body = given.maybe("text")
    if body is None:
        return None
    return source.whole() if body == "-" else source.check(body)


def run_add(given: Given) -> int:
    """Keep a message until its time."""
    at = _at(given)
    if at is None:
        raise invalid("at", _("Say when: --at TIME or --in SPAN."))
    body = _body(given)
    if body is None:
        body = source.whole()
    with Link(given) as link:
        profile, to = link.find(given.text("to"))
        params: Object = {"profile": profile, "to": to, "body": body, "at": at}
        subject = given.maybe("subject")
        if subject is not None:
            params["subject"] = source.check(subject)
        return _show(given, profile, as_object(link.write("later.schedule", params)))


def run_list(given: Given) -> int:
    """What waits."""
    with Link(given) as link:
        profile = link.profile()
        rows: list[Object] = []
        mark: Json = None
        while True:
            question: Object = {"profile": profile}
            if mark is not None:
                question["after"] = mark
            page = link.object("later.list", question)
            rows += objects(page, "items")
            mark = page.get("after")
            if mark is None:
                break
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(SCHEDULED, row) for row in rows]})
        return 0
    show.columns(_columns(row) for row in rows)
    return 0


def _columns(row: Object) -> tuple[str, ...]:
    state = text(row, "state", "waiting")
    words = _(STATES[state]) if state in STATES else _("held back") if flag(row, "undo") else ""
    if text(row, "error"):
        words = f"{words}: {text(row, 'error')}"
    body = " ".join(text(row, "body").split())
    short = body if len(body) <= 60 else f"{body[:59]}…"
    return (str(number(row, "id")), show.when(number(row, "at")), text(row, "conversation"), short, words)


def run_change(given: Given) -> int:
    """Other words, or another time."""
    at, body = _at(given), _body(given)
    if at is None and body is None:
        raise invalid("text", _("Give another text, --at or --in."))
    params: Object = {"scheduled": key_of(given.text("id"))}
    if at is not None:
        params["at"] = at
    if body is not None:
        params["body"] = body
    return _act(given, "later.change", params)


def run_cancel(given: Given) -> int:
    """Do not send it."""
    return _act(given, "later.cancel", {"scheduled": key_of(given.text("id"))})


def run_now(given: Given) -> int:
    """Send it at once."""
    return _act(given, "later.send_now", {"scheduled": key_of(given.text("id"))})


def _act(given: Given, method: str, params: Object) -> int:
    with Link(given) as link:
        profile = link.profile()
        return _show(given, profile, as_object(link.write(method, {"profile": profile, **params})))


def _show(given: Given, profile: str, row: Object) -> int:
    if given.flag("json"):
        show.data({"profile": profile, **whole(SCHEDULED, row)})
    elif given.command.name in ("add", "change"):
        show.columns([_columns(row)])
    return 0


AT = Option(
    "--at", metavar="TIME", about=N_("when: 2025-03-04T12:30, 18:00 (the next), tomorrow, “tomorrow 8:30”")
)
IN = Option("--in", metavar="SPAN", about=N_("how long from now: 90s, 10m, 1h30m, 2d, 1w"))
ID = Argument("id", N_("its number, as “jp schedule list” shows it"))

COMMAND = Command(
    "schedule",
    N_("send a message at a time"),
    default="add",
    loose=True,
    commands=(
        Command(
            "add",
            N_("keep a message and send it at its time; “add” may be left out"),
            Argument("to", N_("address, contact, room, or an unambiguous beginning of one"), live="names"),
            Argument("text", N_("the message; “-” or none: standard input"), "optional"),
            AT,
            IN,
            Option(
                "-s", "--subject", metavar="TEXT", about=N_("send a message of type normal with this subject")
            ),
            PROFILE,
            JSON,
            run=run_add,
            story=N_(
                "Keep a message in the daemon, which sends it at its time; no window need be open. Does the"
                " daemon not run then, it is sent when the daemon starts, and is listed as late for a week."
            ),
        ),
        Command("list", N_("show what waits, and what did not leave"), PROFILE, JSON, run=run_list),
        Command(
            "change",
            N_("change text or time"),
            ID,
            Argument("text", N_("another text; “-”: standard input"), "optional"),
            AT,
            IN,
            PROFILE,
            JSON,
            run=run_change,
        ),
        Command("cancel", N_("do not send it"), ID, PROFILE, JSON, run=run_cancel),
        Command("now", N_("send it at once"), ID, PROFILE, JSON, run=run_now),
    ),
)
