# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp block``: take nothing from an address or a domain."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import BLOCKED, flag, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

PAGE = 1000


def target(link: Link, to: str) -> tuple[str, str]:
    """Profile and address; a domain, and what looks like an address, is taken as it stands."""
    if "@" in to or ("." in to and not to.startswith(".")):
        return link.profile(), to
    return link.find(to)


def run(given: Given) -> int:
    """Block, or list what is blocked."""
    to, report = given.maybe("to"), given.maybe("report")
    if given.flag("list") == (to is not None):
        raise invalid("to", _("Say whom to block, or --list."))
    if report is None and given.maybe("reason"):
        raise invalid("reason", _("--reason belongs to --report."))
    with Link(given) as link:
        if to is None:
            return _list(link, given)
        profile, address = target(link, to)
        params: Object = {"profile": profile, "address": address}
        if report is not None:
            params |= {"report": report, "reason": given.text("reason")}
        blocked = as_object(link.write("blocking.block", params))
    if flag(blocked, "local"):
        show.note(
            _("The server does not keep this (or is not reached): the daemon alone takes nothing from them.")
        )
    if report is not None and not text(blocked, "report"):
        show.note(_("The server took no report of it."))
    if given.flag("json"):
        show.data({"profile": profile, **whole(BLOCKED, blocked)})
    return 0


def _list(link: Link, given: Given) -> int:
    profile = link.profile()
    question: Object = {"profile": profile, "limit": PAGE}
    found: list[Object] = []
    while True:
        page = link.object("blocking.list", question)
        found += objects(page, "items")
        if not isinstance(page.get("after"), str):
            break
        question["after"] = page["after"]
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(BLOCKED, each) for each in found]})
        return 0
    show.columns(
        (
            text(each, "address"),
            show.when(number(each, "at")),
            "; ".join(
                [_("only by this daemon")] * flag(each, "local")
                + [_("reported as {}").format(text(each, "report"))] * bool(text(each, "report"))
            ),
        )
        for each in found
    )
    return 0


COMMAND = Command(
    "block",
    N_("take nothing more from an address or a domain"),
    Argument("to", N_("address, contact or domain"), "optional", live="names"),
    Option("--list", form="flag", about=N_("show what is blocked")),
    Option("--report", choices=("spam", "abuse"), about=N_("tell the server's operator too what it is")),
    Option("--reason", metavar="TEXT", about=N_("words for the report")),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "The server keeps the list for all your devices, where it can. A domain blocks everybody on it, but not on"
        " its subdomains. A report names their newest messages."
    ),
)
