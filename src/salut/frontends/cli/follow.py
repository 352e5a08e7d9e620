# SPDX-License-Identifier: AGPL-3.0-or-later
"""The journal as a stream that survives cuts and restarts of the daemon (``want: changes``)."""

from __future__ import annotations

from time import sleep

from salut import __version__
from salut.client import wire
from salut.frontends.cli import show
from salut.frontends.cli.shapes import flag, inner, number, objects, text
from salut.model.errors import SalutError
from salut.model.words import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from salut.frontends.cli.link import Link
    from salut.frontends.cli.shapes import Json, Object

STEP = 0.1  # seconds before the first try to come back; doubles up to MOST
MOST = 2.0
FINAL = ("kicked", "denied", "protocol")  # goodbyes after which one does not come back


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


class Reset:
    """A journal does not continue where it stood: ``reason`` as in the protocol, or ``gone``."""

    __slots__ = ("journal", "reason")

    def __init__(self, journal: str, reason: str) -> None:
        self.journal = journal
        self.reason = reason


class Follower:
    """Follows the journals of ``profiles`` (none: all) from ``positions`` on (journal -> epoch, seq)."""

    def __init__(self, link: Link, name: str, profiles: list[str] | None, patient: bool = True) -> None:
        self._link = link
        self._name = name
        self._profiles = profiles
        self._patient = patient
        self._early: list[Reset] = []
        self.positions: dict[str, tuple[str, int]] = {}

    def attach(self) -> None:
        """Attach and continue from ``positions``; journals without one begin now."""
        resume: Object = {journal: [epoch, seq] for journal, (epoch, seq) in self.positions.items()}
        window: Object = {"name": self._name, "kind": "cli", "version": __version__}
        params: Object = {"window": window, "want": "changes", "resume": resume}
        if self._profiles is not None:
            params["profiles"] = [*self._profiles]
        attached: Json = self._link.connection.request("attach", params)
        for start in objects(attached, "journals"):
            self._early += self._begin(start)

    def _begin(self, start: Object) -> list[Reset]:
        journal, reason = text(start, "journal"), text(start, "reset")
        if reason == "gone":
            self.positions.pop(journal, None)
        else:
            self.positions[journal] = position(start)
        return [Reset(journal, reason)] if reason else []

    def events(self) -> Iterator[Seen | Reset]:
        """Changes and resets, for ever. Comes back after a cut, and waits while the daemon is down.

        Raises ``SalutError`` when the daemon sends this window away, or where it is not patient.
        """
        while True:
            yield from self._early
            self._early.clear()
            try:
                for method, params in self._link.connection.notifications():
                    yield from self._take(method, params)
            except SalutError as error:
                if error.code != "no-daemon" or error.data.get("goodbye") in FINAL or not self._patient:
                    raise
                self._come_back()

    def _take(self, method: str, params: Object) -> Iterator[Seen | Reset]:
        if method == "start":
            yield from self._begin(params)
        elif method == "changes":
            journal, live = text(params, "journal"), flag(params, "live")
            for change in objects(params, "changes"):
                seen = Seen(journal, change, live)
                self.positions[journal] = (self.positions.get(journal, ("", 0))[0], seen.seq)
                yield seen

    def _come_back(self) -> None:
        show.note(_("The connection to the daemon was lost; waiting for it."))
        pause = STEP
        while True:
            self._link.close()
            sleep(pause)
            pause = min(MOST, pause * 2)
            try:
                self._link.adopt(wire.connect(start=False))
                self.attach()
            except SalutError as error:
                if error.code != "no-daemon" or error.data.get("goodbye") in FINAL:
                    raise
            else:
                show.note(_("The daemon is back."))
                return


def position(start: Object) -> tuple[str, int]:
    """The epoch and seq in a ``Start``."""
    found = start.get("position")
    if isinstance(found, list) and len(found) == 2:
        epoch, seq = found
        if isinstance(epoch, str) and isinstance(seq, int):
            return epoch, seq
    raise SalutError("internal", f"no position: {start}")
