# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp strangers``: people who wrote and whom one does not know."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import STRANGER, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.words import N_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

PAGE = 1000


def run_list(given: Given) -> int:
    """Show who waits."""
    found: list[Object] = []
    with Link(given) as link:
        profile = link.profile()
        question: Object = {"profile": profile, "refused": given.flag("refused"), "limit": PAGE}
        while True:
            page = link.object("strangers.list", question)
            found += objects(page, "items")
            if not isinstance(page.get("after"), str):
                break
            question["after"] = page["after"]
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(STRANGER, each) for each in found]})
        return 0
    show.columns(
        (
            text(each, "address"),
            show.when(number(each, "at")),
            str(number(each, "count", 1)),
            text(each, "preview"),
        )
        for each in found
    )
    return 0


def run_accept(given: Given) -> int:
    """They are no stranger any more."""
    return _of_one(given, "strangers.accept", {})


def run_refuse(given: Given) -> int:
    """Take nothing more from them."""
    return _of_one(given, "strangers.refuse", {"block": given.flag("block"), "forget": given.flag("forget")})


def _of_one(given: Given, method: str, extra: Object) -> int:
    with Link(given) as link:
        profile, address = link.find(given.text("to"))
        link.write(method, {"profile": profile, "address": address, **extra})
    if given.flag("json"):
        show.data({"profile": profile, "address": address})
    return 0


TO = Argument("to", N_("address, or an unambiguous beginning of it"), live="names")
COMMAND = Command(
    "strangers",
    N_("see, accept and refuse people who wrote and whom you do not know"),
    default="list",
    commands=(
        Command(
            "list",
            N_("show who waits: address, time, messages, their first words"),
            Option("--refused", form="flag", about=N_("show those who were refused")),
            PROFILE,
            JSON,
            run=run_list,
        ),
        Command("accept", N_("let them be heard; takes a refusal back"), TO, PROFILE, JSON, run=run_accept),
        Command(
            "refuse",
            N_("take nothing more from them; they learn nothing of it"),
            TO,
            Option("--block", form="flag", about=N_("have the server block them too")),
            Option("--forget", form="flag", about=N_("delete what they wrote")),
            PROFILE,
            JSON,
            run=run_refuse,
        ),
    ),
    story=N_(
        "Who writes without being in your contacts, and whom you have not written to, waits here: nothing rings, and"
        " they learn neither that a message arrived nor that it was read. Writing to them or adding them accepts them."
    ),
)
