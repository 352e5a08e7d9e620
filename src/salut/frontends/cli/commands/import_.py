# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp import``: what ``jp export`` wrote, and the history of other clients."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.portable.report import Counts

FORMATS = ("auto", "jsonl", "mbox", "maildir", "xep227", "gajim", "dino", "profanity", "pidgin")


def run(given: Given) -> int:
    """Read a file or folder."""
    from pathlib import Path

    from salut.frontends.cli.portable import detect, taking
    from salut.frontends.cli.portable.profanity import ChatlogDatabase
    from salut.frontends.cli.portable.report import Progress

    chosen = _map(given)
    me = [name for name in given.text("me").split(",") if name]
    with Link(given) as link:
        source = detect.source(Path(given.text("file")), given.text("format") or "auto", me)
        to = taking.targets(link, source.accounts(), chosen, given.maybe("profile"))
        tell = Progress(_("import"))
        own = taking.address(link, to[""]) if to.get("") else ""
        if isinstance(source, ChatlogDatabase):
            source.adopt(own)
        taker = taking.Taker(link, to, own, tell, dry=given.flag("dry_run"), lenient=given.flag("lenient"))
        try:
            counts = taker.run(source)
        finally:
            tell.end()
    left: set[str] = getattr(source, "left", set())
    if left:
        show.note(_("left out, as it belongs to the server: {}").format(", ".join(sorted(left))))
    return _done(given, counts)


def _map(given: Given) -> dict[str, str]:
    chosen = {}
    for pair in given.text("map").split(","):
        old, found, new = pair.partition("=")
        if pair and not (found and old):
            raise invalid("map", _("--map takes OLD=NEW, several with commas between."))
        if pair:
            chosen[old.strip()] = new.strip()
    return chosen


def _done(given: Given, counts: Counts) -> int:
    dry = given.flag("dry_run")
    if given.flag("json"):
        show.data(
            {
                "dry_run": dry,
                "stored": counts.stored,
                "known": counts.known,
                "conversations": counts.conversations,
                "things": counts.things,
                "skipped": counts.skipped,
                "problems": [*counts.problems],
            }
        )
        return 0
    words = (
        _("{} messages would be stored, {} are there already, {} other things, {} left out")
        if dry
        else _("{} messages stored, {} were there already, {} other things, {} left out")
    )
    show.say(words.format(counts.stored, counts.known, counts.things, counts.skipped))
    return 0


COMMAND = Command(
    "import",
    N_("take in what was exported, or another client's history"),
    Argument("file", N_("the file or folder"), live="file"),
    Option(
        "--format",
        choices=FORMATS,
        about=N_("what it is; auto (default) looks at it"),
    ),
    Option(
        "--map",
        metavar="OLD=NEW",
        about=N_(
            "to which profile here an account of the file belongs (by its name or address there);"
            " “OLD=” leaves it out; several with commas between"
        ),
    ),
    Option(
        "--me",
        metavar="NAMES",
        about=N_("names under which you write in logs that do not say whose a message is; commas between"),
    ),
    Option(
        "--lenient", form="flag", about=N_("leave out what cannot be read, and say so, instead of stopping")
    ),
    Option("-n", "--dry-run", form="flag", about=N_("store nothing; say what would be stored")),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "Take in messages and what else a file holds: what jp export wrote (JSON lines, mbox, Maildir, XEP-0227), and"
        " the history of Gajim (logs.db, archive.db), Dino (dino.db), Profanity (chatlog.db, chatlogs) and Pidgin"
        " (logs, HTML or text). Messages take their place by time; nothing rings, nothing becomes unread, nothing is"
        " sent. What is there already is not stored again, so an import may be repeated, also after it was"
        " interrupted. Contacts go to the server and need a connection; no one is asked for a subscription."
    ),
)
