# SPDX-License-Identifier: AGPL-3.0-or-later
"""The messages of the bridge: JSON-RPC 2.0, one JSON object a line on the Unix socket.

See docs/reference/protocol.md for the conversation in which they are used.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

PROTOCOL: Final = (1, 0)
MAX_FRAME: Final = 1 << 20  # bytes of one line from a window
MAX_IN_FLIGHT: Final = 64  # requests of one window
HANDSHAKE_SECONDS: Final = 10.0
PING_SECONDS: Final = 20.0


class Position(msgspec.Struct, frozen=True, array_like=True):
    """A place in a journal. The epoch names the daemon's start in which it was told, and the journal: so a place
    that a restored database never knew is recognised."""

    epoch: str
    seq: int


class Cause(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which window brought a change about, and under which ``op``."""

    window: str = ""
    op: str = ""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change as it lies in the journal and travels. ``value`` is absent when the object is gone.

    ``seq`` is the revision of the object ``(name, key)`` after it; ``at`` is when it was committed.
    """

    seq: int
    name: str
    key: str
    at: int
    value: Any = msgspec.UNSET  # the struct of the kind; typed by the registry
    cause: Cause | msgspec.UnsetType = msgspec.UNSET


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Notification ``changes``: consecutive ones of one journal. ``live`` is false for what is replayed."""

    journal: str
    live: bool
    changes: list[Change]


class Passing(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest value of a passing object; absent ``value`` means that it is gone."""

    journal: str
    name: str
    key: str
    value: Any = msgspec.UNSET


class Item(msgspec.Struct, frozen=True):
    """An object in a snapshot or a page: its kind, key, revision and value."""

    name: str
    key: str
    rev: int
    value: Any


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The small state of one journal, cut at ``position``."""

    journal: str
    position: Position
    items: list[Item]


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """How a journal begins for this window: with a snapshot, or ``resumed`` after the position it gave.

    ``reset`` says why a position that the window gave could not be used: ``epoch``, ``compacted``,
    ``ahead``, ``smaller`` (a snapshot is smaller than the difference) or ``unknown``.
    """

    journal: str
    position: Position
    resumed: bool
    reset: str = ""
    items: list[Item] = []


class WindowInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a window tells of itself."""

    name: str
    kind: str = "other"
    version: str = ""


class AttachParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Parameters of ``attach``.

    ``want`` is ``state`` (snapshot or difference, whichever is smaller) or ``changes`` (never a snapshot:
    the journal from the position, or from now where none is given). ``profiles`` limits what is seen.
    ``conversations`` is how many of the lately active conversations the snapshot holds.
    """

    window: WindowInfo
    want: Literal["state", "changes"] = "state"
    profiles: list[str] | None = None
    resume: dict[str, Position] = {}
    topics: list[str] = []
    conversations: int = 20


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """Result of ``attach``. After it come ``changes`` and ``passing`` notifications from these positions on."""

    window: str
    journals: list[Start]
    passing: list[Passing]


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """First notification of the daemon on every connection."""

    server: str
    version: str
    protocol: tuple[int, int]
    instance: str
    capabilities: dict[str, dict[str, int]]
    auth: list[str]


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Result of every contract method. ``seq`` maps journals to the ``seq`` at which the call's effect shows."""

    value: Any = None
    seq: dict[str, int] = {}
