# SPDX-License-Identifier: AGPL-3.0-or-later
"""A room's forms in a terminal: shown with labels, values and choices; answered as ``FIELD=VALUE``."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.shapes import flag, objects, text, texts
from salut.model.errors import invalid
from salut.model.words import N_, _, plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

HIDDEN = "********"
ABOUT = N_(
    "answers; of a field that takes several values, each by itself. The name's part before _ or # may be left out"
)


def answers(words: list[str]) -> Object:
    """``FIELD=VALUE`` words as answers; ``FIELD=`` empties a field. Raises ``invalid``."""
    found: dict[str, list[Json]] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise invalid("answers", _("“{}” is no answer; it looks like FIELD=VALUE").format(word[:80]))
        values = found.setdefault(name, [])
        if value:
            values.append(value)
    return dict(found)


def present(form: Object) -> None:
    """Write a form for a person."""
    if text(form, "title"):
        show.say(show.paint(show.harmless(text(form, "title")), "bold"))
    if text(form, "instructions"):
        show.say(show.harmless(text(form, "instructions")))
    for field in objects(form, "fields"):
        _field(field)


def _field(field: Object) -> None:
    kind, values = text(field, "kind", "text-single"), texts(field, "values")
    if kind == "hidden":
        return
    if kind == "fixed":
        show.say()
        for line in values:
            show.say(show.paint(show.harmless(line), "dim"))
        return
    name, label = short(text(field, "name")), text(field, "label")
    more = _(" (must be filled in)") if flag(field, "required") else ""
    show.say(show.paint(show.one_line(name), "cyan") + " = " + _values(kind, values))
    if label or more:
        show.say("    " + show.one_line(label) + more)
    if text(field, "help"):
        show.say("    " + show.one_line(text(field, "help")))
    choices = [_choice(choice) for choice in objects(field, "choices")]
    if choices:
        show.say("    " + plural("choice: {}", "choices: {}", len(choices)).format(", ".join(choices)))


def _values(kind: str, values: list[str]) -> str:
    if kind == "boolean":
        return _("yes") if values[:1] in (["1"], ["true"]) else _("no")
    if kind == "text-private":
        return HIDDEN if any(values) else ""
    return ", ".join(show.one_line(value) for value in values)


def _choice(choice: Object) -> str:
    value, label = show.one_line(text(choice, "value")), show.one_line(text(choice, "label"))
    return f"{value} ({label})" if label and label != value else value


def short(name: str) -> str:
    """A field's name without what all names of the form begin with."""
    for start in ("muc#roomconfig_", "muc#register_"):
        if name.startswith(start):
            return name[len(start) :]
    return name
