# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp export``: everything that the daemon keeps, into files that other programs read."""

from __future__ import annotations

import sys

from salut.frontends.cli import show
from salut.frontends.cli.link import Link
from salut.frontends.cli.secret import OPTIONS as PASSWORD
from salut.frontends.cli.shapes import objects, text
from salut.frontends.cli.spec import JSON, Command, Given, Option
from salut.frontends.cli.times import moment
from salut.model.errors import invalid, not_found
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.portable.pages import Wanted
    from salut.frontends.cli.portable.report import Counts, Progress
    from salut.frontends.cli.shapes import Object

FORMATS = ("jsonl", "mbox", "maildir", "xep227")


def run(given: Given) -> int:
    """Write a file or folder."""
    from salut.frontends.cli.portable import output
    from salut.frontends.cli.portable.pages import Wanted
    from salut.frontends.cli.portable.report import Progress

    kind, name = given.text("format") or "jsonl", given.maybe("output")
    if name is None and (kind == "maildir" or given.flag("json") or sys.stdout.isatty()):
        raise invalid("output", _("Say where to write: -o NAME"))
    since, until = given.maybe("since"), given.maybe("until")
    with Link(given) as link:
        profiles = _profiles(link, given)
        conversation = ""
        if given.maybe("conversation"):
            of, conversation = link.find(given.text("conversation"))
            profiles = [p for p in objects(link.call("profiles.list")) if text(p, "name") == of]
        wanted = Wanted(
            conversation,
            moment(since) if since is not None else 0,
            moment(until) if until is not None else 1 << 62,
        )
        tell = Progress(_("export"))
        try:
            if kind == "maildir":
                from salut.frontends.cli.portable import maildir

                with output.folder(given.text("output")) as folder:
                    counts = maildir.write(link, folder, profiles, wanted, tell)
            else:
                counts = _file(link, given, kind, name or output.STDOUT, profiles, wanted, tell)
        finally:
            tell.end()
    return _done(given, kind, name, profiles, counts)


def _file(
    link: Link, given: Given, kind: str, name: str, profiles: list[Object], wanted: Wanted, tell: Progress
) -> Counts:
    from salut.frontends.cli.portable import lines, mbox, output, pie, pie_write

    password = pie.password(given, kind, profiles)
    with output.file(name, given.flag("force")) as stream:
        if kind == "mbox":
            return mbox.write(link, stream, profiles, wanted, tell)
        if kind == "xep227":
            return pie_write.write(link, stream, profiles, password)
        return lines.write(link, stream, profiles, wanted, tell)


def _profiles(link: Link, given: Given) -> list[Object]:
    every = objects(link.call("profiles.list"))
    named = given.maybe("profile")
    found = [profile for profile in every if named is None or text(profile, "name") == named]
    if not found:
        raise not_found(
            _("There is no profile {}. See them: jp profile list").format(named)
            if named
            else _("There is no profile yet, so there is nothing to export.")
        )
    return found


def _done(given: Given, kind: str, name: str | None, profiles: list[Object], counts: Counts) -> int:
    if given.flag("json"):
        names: list[str] = [text(profile, "name") for profile in profiles]
        show.data({"format": kind, "output": name, "profiles": [*names], **counts.plain()})
    elif name is not None:
        show.note(
            _("{}: {} messages of {} conversations, {} other things").format(
                name, counts.messages, counts.conversations, counts.things
            )
        )
    return 0


COMMAND = Command(
    "export",
    N_("write everything that is kept into a file"),
    Option(
        "--format",
        choices=FORMATS,
        about=N_(
            "jsonl (default): complete, and what jp import reads back; mbox, maildir: messages as mails;"
            " xep227: accounts and contacts for XMPP servers"
        ),
    ),
    Option("--conversation", metavar="TO", live="names", about=N_("only what was said in one conversation")),
    Option("--since", metavar="TIME", about=N_("only from a time on: 2025-03-04, 2025-03-04T12:30, 3d")),
    Option("--until", metavar="TIME", about=N_("only before a time")),
    Option(
        "-o",
        "--output",
        metavar="NAME",
        live="file",
        about=N_("the file, for maildir the folder (default: stdout)"),
    ),
    Option("--force", form="flag", about=N_("replace a file that is there")),
    Option(
        "--with-password",
        form="flag",
        about=N_("xep227: write the password too, asked for anew; whoever reads the file has the account"),
    ),
    *PASSWORD,
    Option("-p", "--profile", metavar="NAME", live="profiles", about=N_("only this profile (default: all)")),
    JSON,
    run=run,
    story=N_(
        "Write conversations, messages, contacts, drafts and what else plugins keep into a file, of all profiles or"
        " of the one given with --profile. The file is readable by you alone (mode 0600) and takes its name only"
        " when it is whole. The daemon's own secrets (passwords, keys) are never in it.\n\n"
        "A copy every night, with cron:\n"
        "  15 3 * * *  jp export -o $HOME/backup/salut-$(date +\\%F).jsonl\n\n"
        "or with systemd, in ~/.config/systemd/user/salut-export.service and salut-export.timer, then"
        " systemctl --user enable --now salut-export.timer:\n\n"
        "  [Service]\n"
        "  Type=oneshot\n"
        "  ExecStart=/bin/sh -c 'jp export -o $HOME/backup/salut-$(date +%%F).jsonl'\n\n"
        "  [Timer]\n"
        "  OnCalendar=daily\n"
        "  Persistent=true\n"
        "  [Install]\n"
        "  WantedBy=timers.target"
    ),
)
