# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp watch``: everything that changes, one JSON object a line, for programs."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.follow import Follower, Reset, Seen, present
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import KINDS, iso, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import SalutError, invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json

NAME = "jp watch"
Position = tuple[str, int]


def run(given: Given) -> int:
    """Write changes until Ctrl-C, or until the daemon sends this window away."""
    kinds = given.many("kinds")
    with Link(given) as link:
        profiles = [link.named] if link.named else None
        follower = Follower(NAME, profiles, patient=not given.flag("no_retry"))
        start = given.maybe("from")
        if start is not None:
            follower.positions = _positions(link, start, follower)
        for event in follower.events():
            if isinstance(event, Reset):
                _tell_reset(event, follower)
            elif isinstance(event, Seen) and (not kinds or event.name in kinds):
                show.stream(_line(event, follower))
    return 0


def _line(seen: Seen, follower: Follower) -> Json:
    value: Json = seen.value
    if seen.value is not None and seen.name in KINDS:
        value = whole(KINDS[seen.name], seen.value)
    return {
        "journal": seen.journal,
        "seq": seen.seq,
        "name": seen.name,
        "key": seen.key,
        "at": iso(seen.at),
        "live": seen.live,
        "value": value,
        "position": write(follower.positions),
    }


def _tell_reset(reset: Reset, follower: Follower) -> None:
    words = {
        "epoch": N_("the database was restored"),
        "compacted": N_("the journal no longer reaches back that far"),
        "ahead": N_("the position lies in the future"),
        "unknown": N_("there is no such journal"),
        "gone": N_("the profile was deleted"),
    }
    why = _(words.get(reset.reason, reset.reason))
    show.note(_("Changes of “{}” may be missing here: {}.").format(reset.journal or "daemon", why))
    show.stream({"journal": reset.journal, "reset": reset.reason, "position": write(follower.positions)})


def write(positions: dict[str, Position]) -> str:
    """Positions as one word: ``journal:epoch:seq`` for each, with commas. The daemon's is nameless."""
    return ",".join(f"{journal}:{epoch}:{seq}" for journal, (epoch, seq) in sorted(positions.items()))


def read(text: str) -> dict[str, tuple[str | None, int]]:
    """What ``write`` wrote; the epochs may be left out. Raises ``SalutError('invalid')``."""
    found: dict[str, tuple[str | None, int]] = {}
    for part in text.split(","):
        journal, *middle = part.split(":")
        seq = middle.pop() if middle else ""
        if len(middle) > 1 or not _is_seq(seq):
            raise invalid(
                "from", _("“{}” is no position; use the position field of a line, or a number.").format(text)
            )
        found[journal] = (middle[0] if middle else None, int(seq))
    return found


def _is_seq(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19  # 64 bits


def _positions(link: Link, text: str, follower: Follower) -> dict[str, Position]:
    """The positions to resume from. Epochs that the person did not give are asked of the daemon."""
    number = _is_seq(text)
    given = {link.profile(): (None, int(text))} if number else read(text)
    now = present(link, follower)
    positions: dict[str, Position] = {}
    for journal, (epoch, seq) in given.items():
        if epoch is None and journal not in now:
            raise SalutError("not-found", _("There is no journal “{}” here.").format(journal))
        positions[journal] = (epoch if epoch is not None else now[journal][0], seq)
    if not number:  # a journal that is new since then is read from its beginning
        for journal, (epoch, _seq) in now.items():
            positions.setdefault(journal, (epoch, 0))
    return positions


COMMAND = Command(
    "watch",
    N_("write every change as one JSON object a line"),
    Argument("kinds", N_("only changes of these kinds, such as message (default: all)"), "any"),
    Option(
        "--from",
        metavar="SEQ",
        about=N_("continue after the position of an earlier line, or after a seq where one profile is meant"),
    ),
    Option("--no-retry", form="flag", about=N_("end when the daemon ends, instead of waiting for it")),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "Write every change of shared state as one JSON object a line, with the fields journal, seq, name,"
        " key, at, live, value (null: the object is gone) and position. Start it again with --from and the"
        " position of the last line, and nothing is missing and nothing comes twice. Where the daemon cannot"
        " continue there, a line with the fields journal, reset (the reason) and position says so."
    ),
)
