# SPDX-License-Identifier: AGPL-3.0-or-later
"""One conversation's messages as a window shows them, without I/O.

Pages (``history.page``) and ``message`` changes are merged into one list in the order of
``(place, sub, id)``. The timeline knows between which places it holds everything; a message that
appears outside of them is left to the page that will bring it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from salut.client.replica import Event, Reset, Update
from salut.model.page import Page
from salut.plugins.history.api import Message

Key = tuple[int, int, int]


def order(message: Message) -> Key:
    """Where a message stands in its conversation."""
    return (message.place, message.sub, message.id)


@dataclass(frozen=True, slots=True)
class Load:
    """A page that the timeline asks for: parameters of ``history.page``, to be answered by ``loaded``."""

    profile: str
    conversation: str
    extend: Literal["anew", "older", "newer"]
    before: str | None
    after: str | None
    since: int | None
    limit: int


class Timeline:
    """The loaded part of a conversation. Feed it every event of the replica, in order, from ``attach`` on.

    One load at a time: ``newest``, ``older``, ``newer`` and ``from_moment`` give ``None`` while one is
    under way. ``needs_load`` says that nothing is loaded, at first and after a reset of the journal.
    """

    def __init__(self, profile: str, conversation: str, *, limit: int = 50) -> None:
        self.profile = profile
        self.conversation = conversation
        self.limit = limit
        self._forget()

    def _forget(self) -> None:
        self._keys: list[Key] = []
        self._by_id: dict[int, Message] = {}
        self._floors: dict[int, int] = {}  # message id -> seq that its page already held
        self._range: tuple[Key | None, Key | None] | None = None  # None in it: no end on that side
        self._before: str | None = None
        self._after: str | None = None
        self._load: Load | None = None
        self._meanwhile: dict[int, tuple[int, Message | None]] = {}  # changes since the load was asked for

    # What is there.

    @property
    def messages(self) -> Sequence[Message]:
        """All loaded messages in their order."""
        return [self._by_id[key[2]] for key in self._keys]

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def needs_load(self) -> bool:
        """Nothing is loaded and nothing is asked for."""
        return self._range is None and self._load is None

    @property
    def at_start(self) -> bool:
        """The first message of the conversation is loaded."""
        return self._range is not None and self._before is None

    @property
    def at_end(self) -> bool:
        """The newest message is loaded, so new ones appear by themselves."""
        return self._range is not None and self._after is None

    # What is asked for.

    def newest(self) -> Load | None:
        """Load the newest page, instead of what is loaded."""
        return self._ask("anew", None, None, None)

    def from_moment(self, since: int) -> Load | None:
        """Load the page that begins at a moment (microseconds), instead of what is loaded.

        Where nothing was said since then, the timeline is left empty and ``needs_load``.
        """
        return self._ask("anew", None, None, since)

    def older(self) -> Load | None:
        """Load the page before; ``None`` also where nothing is before."""
        return self._ask("older", self._before, None, None) if self._before is not None else None

    def newer(self) -> Load | None:
        """Load the page after; ``None`` also where nothing is after."""
        return self._ask("newer", None, self._after, None) if self._after is not None else None

    def _ask(
        self,
        extend: Literal["anew", "older", "newer"],
        before: str | None,
        after: str | None,
        since: int | None,
    ) -> Load | None:
        if self._load is not None:
            return None
        self._load = Load(self.profile, self.conversation, extend, before, after, since, self.limit)
        self._meanwhile = {}
        return self._load

    def failed(self, load: Load) -> None:
        """The page did not come; it may be asked for again."""
        if load is self._load:
            self._load = None
            self._meanwhile = {}

    def loaded(self, load: Load, page: Page[Message], seq: int = 0) -> None:
        """The page came. ``seq`` is that of the profile's journal in its reply, 0 where there was none.

        A page that was asked for before a reset is dropped: what changed since then is unknown.
        """
        if load is not self._load:
            return
        if load.since is not None and not page.items:
            self._forget()  # an empty page has no place that later messages could stand after
            return
        meanwhile, self._meanwhile, self._load = self._meanwhile, {}, None
        held = {} if load.extend == "anew" else self._by_id
        merged = held | {message.id: message for message in page.items}
        fresh = {message.id for message in page.items}
        self._range = self._new_range(load, page)
        if load.extend == "anew":
            self._floors = {}
        if load.extend != "newer":
            self._before = page.before
        if load.extend != "older":
            self._after = page.after
        self._floors |= dict.fromkeys(fresh, seq)
        for number, (rev, message) in meanwhile.items():
            if number in fresh and rev <= seq:
                continue  # the page was read after this change
            if message is None:
                merged.pop(number, None)
            else:
                merged[number] = message
        self._by_id = {number: message for number, message in merged.items() if self._covers(order(message))}
        self._keys = sorted(order(message) for message in self._by_id.values())

    def _new_range(self, load: Load, page: Page[Message]) -> tuple[Key | None, Key | None]:
        keys = [order(message) for message in page.items]
        low, high = (self._range or (None, None)) if load.extend != "anew" else (None, None)
        if load.extend != "newer":
            low = None if page.before is None else min(keys, default=low)
        if load.extend != "older":
            high = None if page.after is None else max(keys, default=high)
        return low, high

    # What happens.

    def apply(self, event: Event) -> bool:
        """Take an event of the replica. True if what is shown may differ."""
        if isinstance(event, Reset):
            if event.journal != self.profile:
                return False
            self._forget()
            return True
        if event.journal != self.profile or event.name != "message":
            return False
        return self._change(event)

    def _change(self, update: Update) -> bool:
        number = int(update.key)
        message = update.value if isinstance(update.value, Message) else None
        if message is not None and message.conversation != self.conversation:
            message = None  # in this conversation it is not
            if number not in self._by_id:
                return False
        if update.rev <= self._floors.get(number, 0):
            return False  # the page that brought it was read after this change
        if self._load is not None:
            self._meanwhile[number] = (update.rev, message)
        if self._range is None:
            return False
        shown = self._by_id.pop(number, None)
        if shown is not None:
            del self._keys[bisect_left(self._keys, order(shown))]
        if message is not None and self._covers(order(message)):
            self._by_id[number] = message
            insort(self._keys, order(message))
            return True
        return shown is not None

    def _covers(self, key: Key) -> bool:
        if self._range is None:
            return False
        low, high = self._range
        return (low is None or key >= low) and (high is None or key <= high)
