# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp windows``: who is attached."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import WINDOW, flag, number, objects, text, whole
from salut.frontends.cli.spec import JSON, Argument, Command, Given
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object


def run_list(given: Given) -> int:
    """Show attached windows."""
    with Link() as link:
        windows = objects(link.call("windows.list"))
    if given.flag("json"):
        show.data({"items": [whole(WINDOW, window) for window in windows]})
        return 0
    show.columns(
        (
            text(window, "id"),
            text(window, "name"),
            text(window, "kind"),
            text(window, "version"),
            text(window, "binding"),
            show.when(number(window, "since")),
            _notes(window),
        )
        for window in windows
    )
    return 0


def _notes(window: Object) -> str:
    behind = number(window, "behind")
    notes = [_("{} changes behind").format(behind)] if behind else []
    notes += [word for name, word in (("focused", _("focused")), ("idle", _("idle"))) if flag(window, name)]
    return ", ".join(notes)


def run_kick(given: Given) -> int:
    """End a window's connection."""
    with Link() as link:
        link.call("windows.kick", {"window": given.text("window")})
    if given.flag("json"):
        show.data({"window": given.text("window")})
    return 0


COMMAND = Command(
    "windows",
    N_("show who is attached to the daemon"),
    default="list",
    commands=(
        Command("list", N_("show attached windows"), JSON, run=run_list),
        Command(
            "kick",
            N_("end a window's connection"),
            Argument("window", N_("its id, as the list shows it")),
            JSON,
            run=run_kick,
        ),
    ),
)
