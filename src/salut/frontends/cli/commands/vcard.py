# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp vcard``: what people say of themselves."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import VCARD, text, texts, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

LISTS = ("url", "email", "tel")
FIELDS = {
    "fn": N_("the full name"),
    "given": N_("the given name"),
    "family": N_("the family name"),
    "nickname": N_("how to be called; contacts are told at once"),
    "bday": N_("the day of birth, as 1998-05-17"),
    "org": N_("the organisation"),
    "title": N_("the job"),
    "role": N_("what one does there"),
    "note": N_("anything else"),
    "street": N_("street and number"),
    "locality": N_("the town"),
    "region": N_("the region"),
    "code": N_("the postal code"),
    "country": N_("the country"),
    "url": N_("pages on the web, with spaces between"),
    "email": N_("mail addresses, with spaces between"),
    "tel": N_("telephone numbers, with commas between"),
}


def run_show(given: Given) -> int:
    """Show a vCard."""
    to = given.maybe("to")
    with Link(given) as link:
        profile, address = link.find(to) if to else (link.profile(), "")
        card = as_object(link.call("vcards.get", {"profile": profile, "address": address}, 60.0))
    return _shown(given, profile, card)


def _shown(given: Given, profile: str, card: Object) -> int:
    if given.flag("json"):
        show.data({"profile": profile, **whole(VCARD, card)})
        return 0
    rows = []
    for name in FIELDS:
        values = texts(card, name) if name in LISTS else [text(card, name)]
        rows += [(name, value) for value in values if value]
    show.columns(rows)
    return 0


def run_set(given: Given) -> int:
    """Change fields of the profile's own vCard."""
    change: dict[str, Json] = {}
    for name in FIELDS:
        value = given.maybe(name)
        if value is not None:
            change[name] = _several(name, value) if name in LISTS else value
    if not change:
        raise invalid("field", _("Say what to change, for example: jp vcard set --fn “Romeo Montague”"))
    params: Object = {"change": change, "public": not given.flag("contacts")}
    with Link(given) as link:
        params["profile"] = profile = link.profile()
        card = as_object(link.write("vcards.set", params, 60.0))
    return _shown(given, profile, card)


def _several(name: str, value: str) -> Json:
    found = value.split(",") if name == "tel" else value.split()
    return [one.strip() for one in found if one.strip()]


COMMAND = Command(
    "vcard",
    N_("show what people say of themselves, and say it of oneself"),
    default="show",
    commands=(
        Command(
            "show",
            N_("show a vCard"),
            Argument("to", N_("whose; none: your own"), "optional", live="names"),
            PROFILE,
            JSON,
            run=run_show,
        ),
        Command(
            "set",
            N_("change your own vCard"),
            *(Option(f"--{name}", metavar="TEXT", about=about) for name, about in FIELDS.items()),
            Option("--contacts", form="flag", about=N_("for contacts alone, where the server can do so")),
            PROFILE,
            JSON,
            run=run_set,
            story=N_("Fields that are not given stay as they are; an empty text removes a field."),
        ),
    ),
)
