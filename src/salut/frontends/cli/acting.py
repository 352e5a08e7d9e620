# SPDX-License-Identifier: AGPL-3.0-or-later
"""What commands that do something to a message have in common."""

from __future__ import annotations

from salut.frontends.cli import show, which
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import MESSAGE, number, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object
    from salut.frontends.cli.spec import Given


def act(given: Given, method: str, **params: object) -> int:
    """Call a method on the message that the person named; say nothing but what ``--json`` asks for."""
    with Link(given) as link:
        profile, message = which.find(link, given.text("message"))
        asked: Object = {"profile": profile, "message": number(message, "id"), **params}  # type: ignore[dict-item]  # JSON values all
        done = as_object(link.write(method, asked))
    if given.flag("json"):
        show.data({"profile": profile, **whole(MESSAGE, done)})
    return 0
