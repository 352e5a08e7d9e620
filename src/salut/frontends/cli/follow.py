# SPDX-License-Identifier: AGPL-3.0-or-later
"""The journals as one stream of changes and resets, with a position after each."""

from __future__ import annotations

from salut import __version__
from salut.client.follow import follow
from salut.frontends.cli import show
from salut.frontends.cli.shapes import flag, inner, number, objects, text
from salut.model.errors import SalutError
from salut.model.words import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from salut.frontends.cli.link import Link
    from salut.frontends.cli.shapes import Json, Object


class Seen:
    """A change: what happened to the object ``(name, key)`` of a journal."""

    __slots__ = ("at", "journal", "key", "live", "name", "seq", "value")

    def __init__(self, journal: str, change: Object, live: bool) -> None:
        self.journal = journal
        self.seq = number(change, "seq")
        self.name = text(change, "name")
        self.key = text(change, "key")
        self.at = number(change, "at")
        self.live = live
        self.value: Object | None = inner(change, "value") if "value" in change else None


class Passed:
    """A passing object (presence, typing) that changed while we looked; ``value`` ``None``: it is gone."""

    __slots__ = ("journal", "key", "name", "value")

    def __init__(self, item: Object) -> None:
        self.journal = text(item, "journal")
        self.name = text(item, "name")
        self.key = text(item, "key")
        self.value: Object | None = inner(item, "value") if "value" in item else None


class Reset:
    """A journal does not continue where it stood: ``reason`` as in the protocol, or ``gone``."""

    __slots__ = ("journal", "reason")

    def __init__(self, journal: str, reason: str) -> None:
        self.journal = journal
        self.reason = reason


class Follower:
    """Follows the journals of ``profiles`` (none: all) from ``positions`` on (journal -> epoch, seq).

    Journals without a position begin now. ``patient``: wait while the daemon is away. ``positions`` moves on
    with each event.
    """

    def __init__(self, name: str, profiles: list[str] | None, patient: bool = True) -> None:
        self._name = name
        self._profiles = profiles
        self._patient = patient
        self._away = False
        self.positions: dict[str, tuple[str, int]] = {}

    def params(self) -> Object:
        """The parameters of the attach."""
        window: Object = {"name": self._name, "kind": "cli", "version": __version__}
        resume: Object = {journal: [epoch, seq] for journal, (epoch, seq) in self.positions.items()}
        profiles: Json = None if self._profiles is None else [*self._profiles]
        return {"window": window, "want": "changes", "resume": resume, "profiles": profiles}

    def events(self, passing: bool = False) -> Iterator[Seen | Reset | Passed | None]:
        """Changes and resets, for ever; ``None`` once when the first attach is done. ``passing``: also what passes.

        Raises ``SalutError`` when the daemon sends this window away, or is lost where it is not patient.
        """
        yet = False
        for method, told in follow(self.params(), lost=self._lost):
            if method == "attach":
                yield from self._begin(objects(told, "journals"))
                if not yet:
                    yield None
                yet = True
            elif method == "start":
                yield from self._begin([told])
            elif method == "changes":
                yield from self._changes(told)
            elif method == "passing" and passing:
                yield from map(Passed, objects(told, "items"))

    def _begin(self, starts: list[Object]) -> Iterator[Reset]:
        if self._away:
            self._away = False
            show.note(_("The daemon is back."))
        for start in starts:
            journal, reason = text(start, "journal"), text(start, "reset")
            if reason == "gone":
                self.positions.pop(journal, None)
            else:
                self.positions[journal] = position(start)
            if reason:
                yield Reset(journal, reason)

    def _changes(self, told: Object) -> Iterator[Seen]:
        journal, live = text(told, "journal"), flag(told, "live")
        for change in objects(told, "changes"):
            seen = Seen(journal, change, live)
            self.positions[journal] = (self.positions.get(journal, ("", 0))[0], seen.seq)
            yield seen

    def _lost(self, error: SalutError, seconds: float) -> None:
        if not self._patient:
            raise error
        if not self._away:
            self._away = True
            show.note(_("The connection to the daemon was lost; waiting for it."))


def present(link: Link, follower: Follower) -> dict[str, tuple[str, int]]:
    """Where the journals stand now, by a short attach of its own: one connection attaches only once."""
    attached: Json = link.connection.request("attach", follower.params())
    link.close()
    return {text(start, "journal"): position(start) for start in objects(attached, "journals")}


def position(start: Object) -> tuple[str, int]:
    """The epoch and seq in a ``Start``."""
    found = start.get("position")
    if isinstance(found, list) and len(found) == 2:
        epoch, seq = found
        if isinstance(epoch, str) and isinstance(seq, int):
            return epoch, seq
    raise SalutError("internal", f"no position: {start}")
