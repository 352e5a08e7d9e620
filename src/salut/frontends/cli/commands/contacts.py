# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp contacts``: the roster."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import (
    CONTACT,
    GROUP,
    PRESENCE,
    REQUEST,
    flag,
    number,
    objects,
    text,
    texts,
    whole,
)
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import SalutError, invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

PAGE = 1000
RENAME_SECONDS = 120.0
ARROWS = {"both": "↔", "to": "→", "from": "←", "none": " "}
SHOW_STYLES = {"online": "green", "chat": "green", "away": "yellow", "xa": "yellow", "dnd": "red"}


def run_list(given: Given) -> int:
    """Show the roster with who is reachable."""
    with Link(given) as link:
        profile = link.profile()
        contacts = _all(link, profile, given.maybe("group"))
        presences = _presences(link, profile)
    away: Object = {"show": "offline"}
    if given.flag("json"):
        items: list[Json] = []
        for contact in contacts:
            address = text(contact, "address")
            presence: Object = whole(
                PRESENCE, presences.get(address, {"address": address, **away, "resources": 0})
            )
            items.append({**whole(CONTACT, contact), "presence": presence})
        show.data({"profile": profile, "items": items})
        return 0
    show.columns(_row(contact, presences.get(text(contact, "address"), away)) for contact in contacts)
    return 0


def _all(link: Link, profile: str, group: str | None) -> list[Object]:
    question: Object = {"profile": profile, "limit": PAGE}
    if group is not None:
        question["group"] = group
    found: list[Object] = []
    while True:
        page = link.object("roster.list", question)
        found += objects(page, "items")
        if not isinstance(page.get("after"), str):
            return found
        question["after"] = page["after"]


def _presences(link: Link, profile: str) -> dict[str, Object]:
    try:
        return {text(p, "address"): p for p in objects(link.call("presence.list", {"profile": profile}))}
    except SalutError as error:
        if error.code != "unknown-method":  # without the plugin nobody's presence is known
            raise
        return {}


def _row(contact: Object, presence: Object) -> tuple[str, ...]:
    notes = []
    if flag(contact, "asks"):
        notes.append(_("asks to see your presence: jp contacts accept or refuse"))
    if flag(contact, "pending"):
        notes.append(_("has not answered yet"))
    notes += [f"#{group}" for group in texts(contact, "groups")]
    notes += [part for part in (text(presence, "status"), text(contact, "note")) if part]
    return (
        ARROWS.get(text(contact, "subscription", "none"), "?"),
        text(contact, "address"),
        text(contact, "name"),
        text(presence, "show", "offline"),
        "; ".join(notes),
    )


def run_add(given: Given) -> int:
    """Add a contact."""
    with Link(given) as link:
        params: Object = {"profile": link.profile(), "address": given.text("address")}
        if given.maybe("name"):
            params["name"] = given.text("name")
        if given.many("groups"):
            params["groups"] = [*given.many("groups")]
        if given.flag("no_subscribe"):
            params["subscribe"] = False
        return _done(given, params["profile"], link.write("roster.add", params))


def _done(given: Given, profile: Json, contact: Json) -> int:
    if given.flag("json"):
        show.data({"profile": profile, **whole(CONTACT, as_object(contact))})
    return 0


def _of_one(method: str, given: Given, extra: Object | None = None) -> int:
    """A method about one contact that answers with the contact, or with nothing."""
    with Link(given) as link:
        profile, address = link.find(given.text("to"))
        contact = link.write(method, {"profile": profile, "address": address, **(extra or {})})
    if contact is not None:
        return _done(given, profile, contact)
    if given.flag("json"):
        show.data({"profile": profile, "address": address})
    return 0


def run_remove(given: Given) -> int:
    """Remove a contact."""
    return _of_one("roster.remove", given)


def run_accept(given: Given) -> int:
    """Let a contact see one's presence."""
    return _of_one("roster.accept", given)


def run_refuse(given: Given) -> int:
    """Refuse or withdraw that."""
    return _of_one("roster.refuse", given)


def run_approve(given: Given) -> int:
    """Let them see one's presence as soon as they ask."""
    return _of_one("roster.approve", given)


def run_requests(given: Given) -> int:
    """Show who asks to see one's presence."""
    found: list[Object] = []
    with Link(given) as link:
        profile = link.profile()
        question: Object = {"profile": profile, "limit": PAGE}
        while True:
            page = link.object("roster.requests", question)
            found += objects(page, "items")
            if not isinstance(page.get("after"), str):
                break
            question["after"] = page["after"]
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(REQUEST, each) for each in found]})
        return 0
    show.columns(
        (text(each, "address"), show.when(number(each, "at")), text(each, "name"), text(each, "note"))
        for each in found
    )
    return 0


def run_groups(given: Given) -> int:
    """Show all groups, or rename one."""
    old, new = given.maybe("group"), given.maybe("name")
    if (old is None) != (new is None):
        raise invalid("name", _("To rename a group give its name and the new one."))
    with Link(given) as link:
        profile = link.profile()
        if old is None:
            shown = link.object("roster.groups", {"profile": profile})
        else:
            params: Object = {"profile": profile, "group": old, "name": new}
            shown = as_object(link.write("roster.rename_group", params, RENAME_SECONDS))
    items = objects(shown, "items")
    if given.flag("json"):
        names: list[Json] = [whole(GROUP, each) for each in items]
        show.data({"profile": profile, "delimiter": text(shown, "delimiter"), "items": names})
    elif old is None:
        show.columns(
            ("  " * (len(texts(each, "path")) - 1) + text(each, "name"), str(number(each, "contacts")))
            for each in items
        )
    return 0


def run_group(given: Given) -> int:
    """Set a contact's groups."""
    return _of_one("roster.change", given, {"groups": [*given.many("groups")]})


def run_name(given: Given) -> int:
    """Rename a contact."""
    return _of_one("roster.change", given, {"name": given.text("name")})


TO = Argument("to", N_("address, contact, or an unambiguous beginning of one"), live="names")
COMMAND = Command(
    "contacts",
    N_("list and change contacts"),
    default="list",
    commands=(
        Command(
            "list",
            N_("show contacts and who is reachable"),
            Option("-g", "--group", metavar="GROUP", about=N_("only those of a group")),
            PROFILE,
            JSON,
            run=run_list,
            story=N_(
                "Show contacts: who sees whose presence (↔, →, ←), address, name, presence, groups and notes."
            ),
        ),
        Command(
            "add",
            N_("add a contact and ask to see their presence"),
            Argument("address", N_("their address"), live="names"),
            Argument("groups", N_("groups to put them into"), "any"),
            Option("--name", metavar="NAME", about=N_("what to call them")),
            Option("--no-subscribe", form="flag", about=N_("do not ask to see their presence")),
            PROFILE,
            JSON,
            run=run_add,
        ),
        Command("remove", N_("remove a contact; history stays"), TO, PROFILE, JSON, run=run_remove),
        Command(
            "accept", N_("let them see your presence, and ask for theirs"), TO, PROFILE, JSON, run=run_accept
        ),
        Command(
            "refuse", N_("refuse or withdraw their sight of your presence"), TO, PROFILE, JSON, run=run_refuse
        ),
        Command("requests", N_("show who asks to see your presence"), PROFILE, JSON, run=run_requests),
        Command(
            "approve",
            N_("let them see your presence as soon as they ask, if the server can do that"),
            TO,
            PROFILE,
            JSON,
            run=run_approve,
        ),
        Command(
            "groups",
            N_("show all groups, or rename one for all its contacts"),
            Argument("group", N_("the group to rename, with those nested in it"), "optional"),
            Argument("name", N_("its new name; an empty one takes its contacts out of it"), "optional"),
            PROFILE,
            JSON,
            run=run_groups,
        ),
        Command(
            "group",
            N_("set the groups of a contact"),
            TO,
            Argument("groups", N_("all their groups; none: take them out of every group"), "any"),
            PROFILE,
            JSON,
            run=run_group,
        ),
        Command(
            "name",
            N_("rename a contact"),
            TO,
            Argument("name", N_("the new name; an empty one removes it")),
            PROFILE,
            JSON,
            run=run_name,
        ),
    ),
)
