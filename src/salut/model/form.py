# SPDX-License-Identifier: AGPL-3.0-or-later
"""Forms that somebody asks a person to fill in, as every window shows them (they carry XEP-0004 whole)."""

from __future__ import annotations

from typing import Literal

import msgspec

from salut.model.errors import invalid
from salut.model.words import _

FieldKind = Literal[
    "boolean",
    "fixed",
    "hidden",
    "jid-multi",
    "jid-single",
    "list-multi",
    "list-single",
    "text-multi",
    "text-private",
    "text-single",
]

TRUE = ("1", "true")
FALSE = ("0", "false")


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the values that a list field offers."""

    value: str
    label: str = ""


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question. ``values`` are what is in it now; a boolean's is ``1`` or ``0``.

    ``media``: URIs of pictures or sounds that belong to the question (XEP-0221), a captcha's for example.
    """

    name: str = ""  # only ``fixed`` fields have none
    kind: FieldKind = "text-single"
    label: str = ""
    help: str = ""
    required: bool = False
    values: list[str] = []
    choices: list[Choice] = []
    media: list[str] = []


class Form(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked. ``type`` is its FORM_TYPE (XEP-0068), empty where it has none."""

    type: str = ""
    title: str = ""
    instructions: str = ""
    fields: list[Field] = []

    def field(self, name: str) -> Field | None:
        """The field of this name."""
        return next((field for field in self.fields if field.name == name), None)


Answers = dict[str, list[str]]
"""Field name -> values. What is absent keeps the value that is in the form."""


def filled(form: Form, answers: Answers) -> Answers:
    """All values to send back: the answers checked against the form, and what the form holds for the rest.

    ``invalid`` with the field's name where an answer does not fit, or a required one is missing.
    """
    known = {field.name for field in form.fields if field.name and field.kind != "fixed"}
    for name in answers:
        if name not in known:
            raise invalid(name, _("The form has no field “{}”.").format(name[:80]))
    values: Answers = {}
    for field in form.fields:
        if field.kind == "fixed" or not field.name:
            continue
        values[field.name] = _checked(field, answers.get(field.name, field.values))
    return values


def _checked(field: Field, values: list[str]) -> list[str]:
    name = field.label or field.name
    if field.required and not any(values):
        raise invalid(field.name, _("“{}” must be filled in.").format(name))
    if field.kind == "boolean":
        return [_boolean(field, values)]
    if len(values) > 1 and not field.kind.endswith("-multi") and field.kind != "hidden":
        raise invalid(field.name, _("“{}” takes one value.").format(name))
    if field.kind in ("list-single", "list-multi") and field.choices:
        offered = {choice.value for choice in field.choices} | set(field.values)
        for value in values:
            if value not in offered:
                words = _("“{}” is none of the values that “{}” offers: {}.")
                raise invalid(field.name, words.format(value[:80], name, ", ".join(sorted(offered))[:500]))
    return values


def _boolean(field: Field, values: list[str]) -> str:
    value = values[0].lower() if values else "0"
    if value in ("yes", "on", *TRUE):
        return "1"
    if value in ("no", "off", "", *FALSE):
        return "0"
    raise invalid(field.name, _("“{}” is yes or no.").format(field.label or field.name))
