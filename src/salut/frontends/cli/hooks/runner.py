# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp hook run``: reads the journals on and runs programs. One thread reads; one a hook runs, in order."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from time import monotonic

from salut.frontends.cli import show
from salut.frontends.cli.follow import Follower, Passed, Reset, Seen
from salut.frontends.cli.hooks import match, program
from salut.frontends.cli.hooks.book import Hook, Watched
from salut.frontends.cli.hooks.ledger import Ledger, Place, Run
from salut.frontends.cli.hooks.match import Event
from salut.model import moment
from salut.model.errors import SalutError
from salut.model.words import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

NAME = "jp hook run"
MOST_QUEUED = 10_000  # of all hooks together; then nothing is read until half of it is done
NOTED_SECONDS = 1.0  # a position after which nothing was to be done is written this often
WORDS = 500  # characters of a program's last words that are kept
END_SECONDS = 3.0  # that a program has to end by itself when we are told to end
JOIN_SECONDS = 10.0
BUSY_SECONDS = 0.2  # between two looks of a hook while something waits, perhaps for another one


def last_words(output: str) -> str:
    """The end of what a program wrote, on one line."""
    lines = [line for line in output.strip().splitlines() if line.strip()]
    return show.one_line(lines[-1].strip())[-WORDS:] if lines else ""


class Runner:
    """``tell(run, outcome)`` is called, from any thread, for each run that ended."""

    def __init__(
        self, ledger: Ledger, jobs: int, tell: Callable[[Run, program.Outcome], None], top: Callable[[], int]
    ) -> None:
        self._ledger = ledger
        self._slots = threading.Semaphore(jobs)
        self._tell = tell
        self._top = top  # the highest message id that the daemon has given
        self._watched = Watched()
        self._hooks: dict[str, Hook] = dict(self._watched.hooks)
        self._places = ledger.places()
        self._noted = monotonic()
        self._stopping = threading.Event()
        self._stop_at = 0.0
        self._changed = threading.Condition()
        self._threads: dict[str, threading.Thread] = {}
        self._queued = sum(ledger.queued().values())

    # Begin and end
    def start(self) -> None:
        """Tell of what a former run left in the middle; run what waits."""
        for run in self._ledger.interrupted():
            words = _("it was interrupted and may have run; it is not run again")
            self._ended(run, program.Outcome(None, "", words))
        self._take_up()

    def stop(self) -> None:
        """End: what runs is ended and told, what waits stays for the next time."""
        self._stop_at = monotonic() + END_SECONDS
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads.values():
            thread.join(JOIN_SECONDS)
        if self._places:
            self._ledger.take(self._places)

    def _take_up(self) -> None:
        """A thread for each hook; what waits for one that is gone is told."""
        for run in self._ledger.orphans(self._hooks):
            self._count(-1)
            self._ended(run, program.Outcome(None, "", _("the hook was removed before it ran")))
        for name in self._hooks.keys() - self._threads.keys():
            thread = threading.Thread(target=self._work, args=(name,), name=f"hook {name}", daemon=True)
            self._threads[name] = thread
            thread.start()

    def _look(self) -> None:
        """Definitions may have changed."""
        try:
            if self._watched.look():
                self._hooks = dict(self._watched.hooks)
                self._take_up()
        except SalutError as error:  # the last good ones go on
            show.note(error.message)

    # Reading
    def positions(self) -> dict[str, tuple[str, int]]:
        """Where to read on."""
        return {journal: (place.epoch, place.seq) for journal, place in self._places.items()}

    def read(self, follower: Follower) -> None:
        """For ever, or until the daemon sends us away (``SalutError``)."""
        # Asked before the attach: what comes after it has a higher id. Journals that were made while we were not
        # there are read from their beginning.
        top = 0 if self._places else self._top()
        for event in follower.events(passing=True):
            self._look()
            if event is None:
                for journal, (epoch, seq) in follower.positions.items():
                    known = self._places.get(journal)
                    self._places[journal] = Place(epoch, seq, known.top if known is not None else top)
                self._note(now=True)
            elif isinstance(event, Reset):
                self._reset(event, follower)
            elif isinstance(event, Passed):
                self._take(Event(event.journal, 0, event.name, event.key, moment.now(), True, event.value))
            else:
                self._seen(event, follower)

    def _reset(self, reset: Reset, follower: Follower) -> None:
        if reset.reason == "gone":
            self._places.pop(reset.journal, None)
            self._ledger.gone(reset.journal)
            return
        epoch, seq = follower.positions[reset.journal]
        self._places[reset.journal] = Place(epoch, seq, self._top())
        self._note(now=True)
        words = _("Changes of “{}” may have been missed ({}).").format(
            reset.journal or "daemon", reset.reason
        )
        self._ledger.trouble(moment.now(), words)
        show.note(words)

    def _seen(self, seen: Seen, follower: Follower) -> None:
        epoch, seq = follower.positions[seen.journal]
        top = self._places[seen.journal].top if seen.journal in self._places else 0
        key = int(seen.key) if seen.name == "message" and seen.key.isdigit() else 0
        self._places[seen.journal] = Place(epoch, seq, max(top, key))
        value = seen.value
        self._take(Event(seen.journal, seen.seq, seen.name, seen.key, seen.at, seen.live, value, key > top))

    def _take(self, event: Event) -> None:
        names = [hook.name for hook in self._hooks.values() if match.concerns(hook, event)]
        if not names:
            self._note()
            return
        change = show.json_text(match.document(event), compact=True)
        self._ledger.take(self._places, [(name, change) for name in names])
        self._noted = monotonic()
        with self._changed:
            self._queued += len(names)
            self._changed.notify_all()
            if self._queued >= MOST_QUEUED:  # the daemon keeps what we do not read
                self._changed.wait_for(lambda: self._queued <= MOST_QUEUED // 2 or self._stopping.is_set())

    def _note(self, now: bool = False) -> None:
        if now or monotonic() - self._noted >= NOTED_SECONDS:
            self._noted = monotonic()
            self._ledger.take(self._places)

    # Running
    def _no_more(self) -> bool:
        """Whether what runs has had its time to end by itself."""
        return self._stopping.is_set() and monotonic() > self._stop_at

    def _count(self, by: int) -> None:
        with self._changed:
            self._queued += by
            self._changed.notify_all()

    def _work(self, name: str) -> None:
        while not self._stopping.is_set():
            with self._slots:
                run = None
                if self._queued and not self._stopping.is_set() and name in self._hooks:
                    run = self._ledger.begin(name)
                if run is not None:
                    self._run(run)
            if run is None:
                with self._changed:
                    if not self._stopping.is_set():
                        self._changed.wait(BUSY_SECONDS if self._queued else None)

    def _run(self, run: Run) -> None:
        hook = self._hooks.get(run.hook)
        if hook is None:
            outcome = program.Outcome(None, "", _("the hook was removed before it ran"))
        else:
            outcome = execute(hook, run.change, self._no_more)
        self._count(-1)
        self._ended(run, outcome)

    def _ended(self, run: Run, outcome: program.Outcome) -> None:
        said = last_words(outcome.output)
        words = ": ".join(part for part in (outcome.reason, said) if part) if not outcome.well else said
        self._ledger.end(run, moment.now(), outcome.exit, words, well=outcome.well)
        self._tell(run, outcome)


def execute(hook: Hook, change: str, stopping: Callable[[], bool] = lambda: False) -> program.Outcome:
    """Run a hook's program with one change. The change is data: it never becomes part of a command line."""
    document: Object = json.loads(change)
    command = ["/bin/sh", "-c", hook.command[0], hook.name, *hook.command[1:]] if hook.shell else hook.command
    return program.run(
        command,
        f"{change}\n".encode("utf-8", "replace"),
        match.environment(hook.name, document),
        hook.timeout,
        stopping,
    )


def merge(
    stored: Mapping[str, tuple[str, int]], now: Mapping[str, tuple[str, int]]
) -> dict[str, tuple[str, int]]:
    """Where to read on: a journal that is new since the last run is read from its beginning."""
    if not stored:
        return {}
    return {**{journal: (epoch, 0) for journal, (epoch, _seq) in now.items()}, **stored}


def shown(run: Run, outcome: program.Outcome) -> Json:
    """A run as ``--json`` shows it."""
    change: Json = json.loads(run.change)
    return {
        "hook": run.hook,
        "exit": outcome.exit,
        "well": outcome.well,
        "reason": outcome.reason,
        "words": last_words(outcome.output),
        "change": change,
    }
