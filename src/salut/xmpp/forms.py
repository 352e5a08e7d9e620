# SPDX-License-Identifier: AGPL-3.0-or-later
"""Data forms between XML and ``salut.model.form`` (XEP-0004, with XEP-0068 and the URIs of XEP-0221)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, get_args
from xml.etree.ElementTree import Element

from salut.model.form import Choice, Field, FieldKind, Form
from salut.xmpp.xmltext import attributes, escape

DATA: Final = "jabber:x:data"
MEDIA: Final = "urn:xmpp:media-element"
FORM: Final = f"{{{DATA}}}x"
MOST_FIELDS: Final = 500
MOST_VALUES: Final = 5_000
MOST_TEXT: Final = 65_536
KINDS: Final = frozenset(get_args(FieldKind))


def read_form(x: Element) -> Form:
    """Read ``<x xmlns='jabber:x:data'/>``. What is too much of it is left out; an unknown type is ``text-single``
    (section 3.3)."""
    fields = [_field(child) for child in x.findall(f"{{{DATA}}}field")[:MOST_FIELDS]]
    kind = next((f.values[0] for f in fields if f.name == "FORM_TYPE" and f.values), "")
    return Form(
        type=kind,
        title=_text(x.find(f"{{{DATA}}}title")),
        instructions="\n".join(_text(line) for line in x.findall(f"{{{DATA}}}instructions")[:100]),
        fields=[field for field in fields if field.name != "FORM_TYPE"],
    )


def find_form(element: Element | None) -> Form | None:
    """The form inside an element, if it has one."""
    x = element.find(FORM) if element is not None else None
    return read_form(x) if x is not None else None


def submit(answers: Mapping[str, Sequence[str]], form_type: str = "", kind: str = "submit") -> str:
    """The XML that answers a form; ``kind`` may also be ``cancel``."""
    fields = "".join(
        f"<field{attributes(var=name)}>{''.join(f'<value>{escape(value)}</value>' for value in values)}</field>"
        for name, values in answers.items()
        if name != "FORM_TYPE"
    )
    head = (
        f"<field var='FORM_TYPE' type='hidden'><value>{escape(form_type)}</value></field>"
        if form_type
        else ""
    )
    return f"<x xmlns='{DATA}' type='{kind}'>{head}{fields}</x>"


def _text(element: Element | None) -> str:
    return ((element.text or "") if element is not None else "")[:MOST_TEXT]


def _field(element: Element) -> Field:
    kind = element.get("type", "text-single")
    options = element.findall(f"{{{DATA}}}option")[:MOST_VALUES]
    return Field(
        name=element.get("var", "")[:1_000],
        kind=kind if kind in KINDS else "text-single",  # type: ignore[arg-type]  # just checked
        label=element.get("label", "")[:1_000],
        help=_text(element.find(f"{{{DATA}}}desc")),
        required=element.find(f"{{{DATA}}}required") is not None,
        values=[_text(value) for value in element.findall(f"{{{DATA}}}value")[:MOST_VALUES]],
        choices=[
            Choice(value=_text(option.find(f"{{{DATA}}}value")), label=option.get("label", "")[:1_000])
            for option in options
        ],
        media=[_text(uri).strip() for uri in element.findall(f"{{{MEDIA}}}media/{{{MEDIA}}}uri")[:10]],
    )
