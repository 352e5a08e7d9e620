# SPDX-License-Identifier: AGPL-3.0-or-later
"""A server's form at the terminal: what is not given is asked for, field by field."""

from __future__ import annotations

import sys

from salut.frontends.cli import show
from salut.frontends.cli.shapes import flag, objects, text, texts
from salut.model.errors import invalid
from salut.model.words import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

    Answers = dict[str, list[str]]

SKIPPED = ("fixed", "hidden")


def given(words: list[str]) -> Answers:
    """Answers from ``FIELD=VALUE`` words; a field given again has several values. ``invalid``."""
    answers: Answers = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise invalid("answers", _("“{}” is no answer; it looks like FIELD=VALUE").format(word[:80]))
        if name == "password":
            raise invalid(
                "answers",
                _("A command line is no place for a password: use --password-file or --password-command."),
            )
        answers.setdefault(name, []).append(value)
    return answers


def possible() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def lacking(form: Object, answers: Answers) -> list[Object]:
    """The fields that must be filled in and are not."""
    return [
        field
        for field in objects(form, "fields")
        if text(field, "kind", "text-single") not in SKIPPED
        and text(field, "name") not in answers
        and (
            flag(field, "required")
            or text(field, "name") in ("username", "password")
            or texts(field, "media")
        )
        and not any(texts(field, "values"))
    ]


def complete(form: Object, answers: Answers, media: list[Object]) -> Answers:
    """``answers`` with what the person at the terminal says to the fields that lack one. ``invalid`` without one."""
    wanted = lacking(form, answers)
    if wanted and not possible():
        names = ", ".join(text(field, "name") for field in wanted)
        raise invalid("answers", _("There is no terminal to ask at; give: {}").format(names))
    if wanted:
        _head(form)
    return {**answers, **{text(field, "name"): [_ask(field, media)] for field in wanted}}


def _head(form: Object) -> None:
    for line in (text(form, "title"), text(form, "instructions")):
        if line:
            _note(line)


def _ask(field: Object, media: list[Object]) -> str:
    label = text(field, "label") or text(field, "name")
    if text(field, "help"):
        _note(text(field, "help"))
    for choice in objects(field, "choices"):
        _note(f"  {text(choice, 'value')}  {text(choice, 'label')}")
    for uri in texts(field, "media"):
        _note(_("See: {}").format(_place(uri, media)))
    if text(field, "kind") == "text-private":
        return new_password(label)
    sys.stderr.write(show.one_line(f"{label}: "))
    sys.stderr.flush()
    return sys.stdin.readline().rstrip("\n").strip()


def _place(uri: str, media: list[Object]) -> str:
    """Where the person can look at it: a picture that came with the form becomes a file."""
    data: Json = next((item.get("data") for item in media if text(item, "uri") == uri), None)
    if not isinstance(data, str):
        return uri
    import base64
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="salut-", suffix=".img", delete=False) as file:
        file.write(base64.b64decode(data))
    return file.name


def new_password(label: str) -> str:
    """A new password, typed twice: nobody is to be locked out by a slip of the finger."""
    from getpass import getpass

    for _again in range(3):
        typed = getpass(show.one_line(f"{label}: "))
        if typed and typed == getpass(show.one_line(_("Once more: "))):
            return typed
        _note(_("These were not the same."))
    raise invalid("password", _("No password was given."))


def _note(words: str) -> None:
    sys.stderr.write(show.harmless(words) + "\n")
