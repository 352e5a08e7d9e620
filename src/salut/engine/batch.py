# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the writer hands on after a commit, and the in-process bus that carries it.

``Bus`` is the seam for more than one machine: nothing above it knows how batches travel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from salut.api.wire import Cause, Change

_encode = msgspec.json.Encoder().encode


def encode_change(seq: int, name: str, key: str, at: int, value: object, cause: Cause | None) -> bytes:
    """One change as it lies in the journal and travels to windows."""
    return _encode(
        Change(
            seq,
            name,
            key,
            at,
            msgspec.UNSET if value is None else value,
            msgspec.UNSET if cause is None else cause,
        )
    )


def changes_line(journal: str, live: bool, changes: Sequence[bytes]) -> bytes:
    """The notification ``changes`` for encoded changes, as one line."""
    return b'{"jsonrpc":"2.0","method":"changes","params":{"journal":%s,"live":%s,"changes":[%s]}}\n' % (
        _encode(journal),
        b"true" if live else b"false",
        b",".join(changes),
    )


class Batch:
    """Consecutive changes of one journal, committed together. Encoded once for all windows."""

    __slots__ = ("_line", "changes", "first", "journal", "last")

    def __init__(self, journal: str, first: int, changes: list[bytes]) -> None:
        self.journal = journal
        self.first = first
        self.last = first + len(changes) - 1
        self.changes = changes
        self._line: bytes | None = None

    @property
    def line(self) -> bytes:
        """The live notification."""
        if self._line is None:
            self._line = changes_line(self.journal, True, self.changes)
        return self._line


class PassingBatch:
    """Newest values of passing objects; each is its encoded ``Passing``."""

    __slots__ = ("items",)

    def __init__(self, items: list[tuple[str, str, str, bytes]]) -> None:
        self.items = items  # journal, name, key, encoded


Listener = Callable[["Batch | PassingBatch"], None]


class Bus:
    """Carries batches from the writer to whoever listens, in the loop, in order. Listeners must not raise."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; returns what removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, batch: Batch | PassingBatch) -> None:
        """Tell all."""
        for listener in tuple(self._listeners):
            listener(batch)
