# SPDX-License-Identifier: AGPL-3.0-or-later
"""A room of a profile with all that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from salut.plugins.rooms.events import Trouble
from salut.plugins.rooms.machine import Stay, Step
from salut.plugins.rooms.pulse import Pulse

T = TypeVar("T")


class NotInsideError(Exception):
    """Told to whoever waits for something in a room that we did not get into, or are out of."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.words)
        self.trouble = trouble


@dataclass(eq=False)
class Kept:
    """``lock``: one change of where we stand at a time. ``fresh``: we never were in it. ``ready``: messages may
    leave for it. ``since``: since when each nick has been the same person's, as far as we saw. ``counts``: what it
    replays may count as unread. ``topics``: those asked for, by the id of the
    request. ``private``: as the room says, once it has been asked.
    ``opener`` configures the room where it is new, ``created`` whether it was. ``pulse``: while we are in."""

    profile: str
    stay: Stay
    sealed: bytes = b""
    fresh: bool = False
    ready: bool = False
    counts: bool = False
    titled: bool = False
    private: bool = False
    tries: int = 0
    created: bool = False
    learning: bool = False
    opener: Callable[[], Awaitable[object]] | None = None
    pulse: Pulse | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    replayed: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Future[bool] | None = None
    renamed: asyncio.Future[None] | None = None
    leaving: asyncio.Future[None] | None = None
    topics: dict[str, tuple[str, asyncio.Future[None]]] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    showing: asyncio.TimerHandle | None = None
    retry: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        """The room's."""
        return self.stay.shown.address

    def out(self, trouble: Trouble) -> None:
        """We are not in the room: whoever waits for something in it learns why."""
        self.ready = False
        self.pulse = None
        error = NotInsideError(trouble)
        refuse(self.entered, error)
        refuse(self.renamed, error)
        for _text, future in self.topics.values():
            refuse(future, error)
        done(self.leaving, None)
        self.quiet()

    def saw(self, step: Step, now: int) -> None:
        """Somebody came or went."""
        if step.what == "entered":
            self.since = dict.fromkeys(self.stay.members, now)
        for nick, member in step.members:
            if member is None:
                self.since.pop(nick, None)
            else:
                self.since.setdefault(nick, now)

    def quiet(self) -> None:
        """Stop the clocks."""
        for handle in (self.showing, self.retry):
            if handle is not None:
                handle.cancel()
        self.showing = self.retry = None


def done(future: asyncio.Future[T] | None, value: T) -> None:
    """Answer, if somebody still waits."""
    if future is not None and not future.done():
        future.set_result(value)


def refuse(future: asyncio.Future[T] | None, error: Exception) -> None:
    """The same with an error."""
    if future is not None and not future.done():
        future.set_exception(error)
