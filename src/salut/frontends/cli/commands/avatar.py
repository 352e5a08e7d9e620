# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp avatar``: the pictures that people, rooms and the profile itself show."""

from __future__ import annotations

import sys

from salut.frontends.cli import show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import AVATAR, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import SalutError, invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

MOST_BYTES = 700_000  # a request to the daemon holds 1 MiB, and base64 a third more than the bytes
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
PAGE = 1000


def run_list(given: Given) -> int:
    """Show who has a picture."""
    with Link(given) as link:
        profile = link.profile()
        question: Object = {"profile": profile, "limit": PAGE}
        found: list[Object] = []
        while True:
            page = link.object("avatars.list", question)
            found += objects(page, "items")
            if not isinstance(page.get("after"), str):
                break
            question["after"] = page["after"]
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(AVATAR, avatar) for avatar in found]})
        return 0
    show.columns(
        (text(a, "address"), text(a, "type", "-"), _pixels(a), str(number(a, "size") or "-"), text(a, "hash"))
        for a in found
    )
    return 0


def _pixels(avatar: Object) -> str:
    width, height = number(avatar, "width"), number(avatar, "height")
    return f"{width}x{height}" if width and height else "-"


def run_get(given: Given) -> int:
    """Write a picture to a file or to standard output."""
    import base64

    to, target = given.maybe("to"), given.maybe("output")
    with Link(given) as link:
        profile, address = link.find(to) if to else (link.profile(), "")
        picture = as_object(link.call("avatars.get", {"profile": profile, "address": address}, 60.0))
    content = base64.b64decode(text(picture, "data"))
    kind = text(picture, "type")
    if target is None and not given.flag("json"):
        target = f"{(address or profile).replace('/', '_')}.{ENDINGS.get(kind, 'bin')}"
    if target == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return 0
    if target is not None:
        _write(target, content)
    shown: Object = {
        "profile": profile,
        "address": address,
        "hash": text(picture, "hash"),
        "type": kind,
        "size": len(content),
        "file": target,
    }
    if target is None:
        shown["data"] = text(picture, "data")
    if given.flag("json"):
        show.data(shown)
    elif target is not None:
        show.say(show.harmless(target))
    return 0


def _write(target: str, content: bytes) -> None:
    try:
        with open(target, "wb") as file:  # noqa: PTH123 -- pathlib alone costs more than this command
            file.write(content)
    except OSError as error:
        raise SalutError("storage", _("{}: {}").format(target, error.strerror)) from None


def run_set(given: Given) -> int:
    """Show a picture."""
    import base64

    content = _read(given.text("file"))
    params: Object = {"data": base64.b64encode(content).decode(), "public": not given.flag("contacts")}
    with Link(given) as link:
        params["profile"] = profile = link.profile()
        avatar = as_object(link.write("avatars.set", params, 60.0))
    if given.flag("json"):
        show.data({"profile": profile, **whole(AVATAR, avatar)})
    return 0


def _read(source: str) -> bytes:
    try:
        if source == "-":
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with open(source, "rb") as file:  # noqa: PTH123 -- as in _write
                content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise invalid("file", _("{}: {}").format(source, error.strerror)) from None
    if len(content) > MOST_BYTES:
        words = _("{} is larger than {} bytes; make the picture smaller, 200 pixels a side are plenty.")
        raise SalutError(
            "too-large", words.format(source, MOST_BYTES), {"field": "file", "limit": MOST_BYTES}
        )
    return content


def run_clear(given: Given) -> int:
    """Show no picture any more."""
    with Link(given) as link:
        profile = link.profile()
        link.write("avatars.clear", {"profile": profile}, 60.0)
    if given.flag("json"):
        show.data({"profile": profile})
    return 0


COMMAND = Command(
    "avatar",
    N_("show, fetch and set pictures"),
    default="show",
    commands=(
        Command("show", N_("list who has a picture"), PROFILE, JSON, run=run_list),
        Command(
            "get",
            N_("write a picture to a file"),
            Argument("to", N_("whose; none: your own"), "optional", live="names"),
            Option(
                "-o",
                "--output",
                metavar="FILE",
                live="file",
                about=N_("the file to write; “-”: standard output; default: named after whose it is"),
            ),
            PROFILE,
            JSON,
            run=run_get,
        ),
        Command(
            "set",
            N_("show this picture to others"),
            Argument("file", N_("a PNG, JPEG, GIF or WebP file; “-”: standard input"), live="file"),
            Option("--contacts", form="flag", about=N_("to contacts alone, not to people in rooms")),
            PROFILE,
            JSON,
            run=run_set,
        ),
        Command("clear", N_("show no picture any more"), PROFILE, JSON, run=run_clear),
    ),
)
