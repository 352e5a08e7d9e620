# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp draft``: unfinished messages, shared by all windows."""

from __future__ import annotations

from salut.frontends.cli import show, source
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import DRAFT, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import invalid, not_found
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object


def run(given: Given) -> int:
    """List drafts, show one, keep one or remove one."""
    to, body = given.maybe("to"), given.maybe("text")
    if given.flag("clear") and (body is not None or to is None):
        raise invalid("clear", _("--clear needs TO and no TEXT."))
    with Link(given) as link:
        if to is None:
            return _list(link, given)
        if given.flag("clear"):
            body = ""
        elif body is not None:
            body = source.whole() if body == "-" else source.check(body)
        profile, address = link.find(to)
        params: Object = {"profile": profile, "conversation": address}
        if body is None:
            draft = _one(link, profile, address)
            if not given.flag("json"):
                show.say(show.harmless(text(draft, "text")))
        else:
            draft = as_object(link.write("drafts.set", {**params, "text": body}))
    if given.flag("json"):
        show.data({"profile": profile, **whole(DRAFT, draft)})
    return 0


def _one(link: Link, profile: str, address: str) -> Object:
    for draft in objects(link.call("drafts.list", {"profile": profile})):
        if text(draft, "conversation") == address:
            return draft
    raise not_found(_("There is no draft for {}.").format(address))


def _list(link: Link, given: Given) -> int:
    profile = link.profile()
    drafts = objects(link.call("drafts.list", {"profile": profile}))
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(DRAFT, draft) for draft in drafts]})
        return 0
    show.columns((text(d, "conversation"), show.when(number(d, "at")), text(d, "text")) for d in drafts)
    return 0


COMMAND = Command(
    "draft",
    N_("keep, show or list unfinished messages"),
    Argument("to", N_("whose draft; none: list all"), "optional", live="names"),
    Argument("text", N_("the text to keep; “-”: standard input; none: show the draft"), "optional"),
    Option("--clear", form="flag", about=N_("remove the draft")),
    PROFILE,
    JSON,
    run=run,
    story=N_("Drafts follow the person from window to window; the last writer wins."),
)
