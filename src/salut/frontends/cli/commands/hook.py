# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp hook``: runs programs on changes. A window does it, not the daemon: what fails there fails there."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import number, objects, text
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

JOBS = 4
SAMPLE = "This is a test."


def run_add(given: Given) -> int:
    """Define a hook."""
    from salut.frontends.cli.hooks import book, listing
    from salut.frontends.cli.hooks.ledger import Ledger

    command = given.many("command")
    if given.flag("shell") and len(command) != 1:
        raise invalid("command", _("With --shell give one text, which the shell reads."))
    kind = given.text("on") or "message"
    with Link(given) as link:
        known = {text(k, "name") for k in objects(link.object("daemon.describe").get("kinds"))}
        if kind not in known:
            raise invalid(
                "on",
                _("There is no kind of change “{}”; there are: {}").format(
                    kind[:80], ", ".join(sorted(known))
                ),
            )
        found = {name: _address(link, given.maybe(name)) for name in ("conversation", "from")}
    hook = book.Hook(
        name=given.text("name"),
        on=kind,
        command=command,
        added=moment.now(),
        profile=link.named or "",
        conversation=found["conversation"],
        sender=found["from"],
        match=given.text("match"),
        incoming=given.flag("incoming"),
        mention=given.flag("mention"),
        every=given.flag("every"),
        shell=given.flag("shell"),
        timeout=given.seconds("timeout") or book.DEFAULT_TIMEOUT,
    )
    book.add(hook)
    ledger = Ledger(book.state_folder())
    ledger.forget(hook.name)
    ledger.close()
    if given.flag("json"):
        show.data(listing.document(hook, None, 0))
    elif show.for_person():
        show.note(_("Kept. It runs while “jp hook run” does; try it: jp hook test {}").format(hook.name))
    return 0


def _address(link: Link, to: str | None) -> str:
    """What TO means, in the form that changes bear; a whole room/nick or address with a resource stays one."""
    return addresses.normal(link.find(to)[1]) if to is not None else ""


def run_list(given: Given) -> int:
    """Show hooks and how they fared."""
    from salut.frontends.cli.hooks import book, listing
    from salut.frontends.cli.hooks.ledger import Ledger

    ledger = Ledger(book.state_folder())
    hooks, results, queued = book.load(), ledger.results(), ledger.queued()
    missed = ledger.troubles("")
    troubles = {name: ledger.troubles(name) for name in hooks}
    ledger.close()
    if given.flag("json"):
        items: list[Json] = []
        for hook in hooks.values():
            failures: list[Json] = [listing.failure(found) for found in troubles[hook.name]]
            items.append(
                {
                    **listing.document(hook, results.get(hook.name), queued.get(hook.name, 0)),
                    "failures": failures,
                }
            )
        show.data({"items": items, "missed": [listing.failure(found) for found in missed]})
        return 0
    show.columns(
        listing.columns(hook, results.get(hook.name), queued.get(hook.name, 0)) for hook in hooks.values()
    )
    for at, _change, words in missed[:5]:
        show.note(f"{show.when(at)} {words}")
    return 0


def run_remove(given: Given) -> int:
    """Forget a hook."""
    from salut.frontends.cli.hooks import book
    from salut.frontends.cli.hooks.ledger import Ledger

    book.remove(given.text("name"))
    ledger = Ledger(book.state_folder())
    ledger.forget(given.text("name"))
    ledger.close()
    if given.flag("json"):
        show.data({"removed": given.text("name")})
    return 0


def run_test(given: Given) -> int:
    """Run a hook's program once, now."""
    from salut.frontends.cli import which
    from salut.frontends.cli.hooks import book, match, runner

    hook = book.load().get(given.text("name"))
    if hook is None:
        raise book.no_such(given.text("name"))
    word = given.maybe("message")
    now = moment.now()
    if word is not None:
        with Link(given) as link:
            profile, message = which.find(link, word)
        event = match.Event(profile, 0, "message", str(number(message, "id")), now, False, message, True)
    else:
        address = hook.sender or hook.conversation or "someone@example.org"
        value: Object = {
            "id": 0,
            "conversation": hook.conversation or address,
            "sender": address,
            "place": 0,
            "at": now,
            "body": hook.match or SAMPLE,
            "mention": hook.mention,
            "address": address,
        }
        event = match.Event(hook.profile, 0, hook.on, address, now, False, value, True)
    outcome = runner.execute(hook, show.json_text(match.document(event), compact=True))
    if given.flag("json"):
        show.data(
            {"hook": hook.name, "exit": outcome.exit, "reason": outcome.reason, "output": outcome.output}
        )
    else:
        show.say(show.harmless(outcome.output.rstrip("\n")))
        if not outcome.well:
            show.note(_("{} failed: {}").format(hook.name, outcome.reason))
    return 0 if outcome.well else 1


def run_run(given: Given) -> int:
    """Run programs until told to end."""
    import signal

    from salut.frontends.cli.follow import Follower, present
    from salut.frontends.cli.hooks import book, program, runner
    from salut.frontends.cli.hooks.ledger import Ledger, Run

    def tell(run: Run, outcome: program.Outcome) -> None:
        if given.flag("json"):
            show.stream(runner.shown(run, outcome))
        if not outcome.well:
            said = runner.last_words(outcome.output)
            show.note(
                _("hook {} failed: {}").format(run.hook, ": ".join(w for w in (outcome.reason, said) if w))
            )

    def top() -> int:
        with Link() as link:
            return number(link.object("daemon.info"), "messages")

    def end(_sign: int, _frame: object) -> None:
        raise KeyboardInterrupt

    ledger = Ledger(book.state_folder())
    with ledger.alone():
        at_work = runner.Runner(ledger, given.number("jobs") or JOBS, tell, top)
        follower = Follower(runner.NAME, None)
        before = signal.signal(signal.SIGTERM, end)
        try:
            at_work.start()
            stored = at_work.positions()
            if stored:
                with Link() as link:
                    follower.positions = runner.merge(stored, present(link, follower))
            at_work.read(follower)
        finally:
            signal.signal(signal.SIGTERM, before)
            at_work.stop()
            ledger.close()
    return 0


NAMED = Argument("name", N_("how the hook is called"))
COMMAND = Command(
    "hook",
    N_("run programs when something changes"),
    default="list",
    commands=(
        Command(
            "add",
            N_("define a hook"),
            NAMED,
            Argument("command", N_("the program and its arguments, after “--”"), "many"),
            Option(
                "--on",
                metavar="KIND",
                default="message",
                about=N_("kind of change: message (default), conversation, presence, contact, room …"),
            ),
            Option("--conversation", metavar="TO", live="names", about=N_("only in this conversation")),
            Option("--from", metavar="TO", live="names", about=N_("only from this address, contact or room/nick")),
            Option("--match", metavar="TEXT", about=N_("only where the text holds this, in capitals or not")),
            Option("--incoming", form="flag", about=N_("only messages of others")),
            Option("--mention", form="flag", about=N_("only messages that mention you")),
            Option("--every", form="flag", about=N_("messages also when they change, not only when they are new")),
            Option("--shell", form="flag", about=N_("have /bin/sh read COMMAND, which is one text then")),
            Option(
                "--timeout",
                form="seconds",
                metavar="SECONDS",
                least=0.1,
                most=3600,
                about=N_("end the program after that long (default 30)"),
            ),
            PROFILE,
            JSON,
            run=run_add,
            story=N_(
                "Define a program that is run on each change that fits all of the filters. It gets the change as"
                " JSON on standard input (as jp watch writes it) and in the environment: SALUT_KIND, SALUT_PROFILE,"
                " SALUT_KEY, SALUT_SENDER, SALUT_CONVERSATION, SALUT_BODY and more. What others write never"
                " becomes part of a command line. Hooks run while jp hook run does."
            ),
        ),
        Command("list", N_("show hooks and how they fared"), JSON, run=run_list),
        Command("remove", N_("forget a hook"), NAMED, JSON, run=run_remove),
        Command(
            "test",
            N_("run a hook's program once, with a sample or a message"),
            NAMED,
            Argument("message", N_("a message: its id, last, last:TO, new, new:TO; none: a sample"), "optional"),
            PROFILE,
            JSON,
            run=run_test,
        ),
        Command(
            "run",
            N_("run hooks until Ctrl-C"),
            Option(
                "-j", "--jobs", form="number", metavar="COUNT", least=1, most=32,
                about=N_("how many programs at a time (default 4); those of one hook run in order"),
            ),
            JSON,
            run=run_run,
            story=N_(
                "Run the programs of all hooks as changes come. What comes while this does not run is caught up"
                " with at the next start, each change once. A run that was interrupted is told and not repeated."
                " With --json a JSON object for each run is written."
            ),
        ),
    ),
)  # fmt: skip
