# SPDX-License-Identifier: AGPL-3.0-or-later
"""What rooms say: presences, messages, topics, errors."""

from __future__ import annotations

from collections.abc import Awaitable
from time import monotonic
from typing import TYPE_CHECKING, Final

from salut.engine.plugin import Host
from salut.model import moment
from salut.model.words import _
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History
from salut.plugins.rooms import reading
from salut.plugins.rooms.events import Occupant, Trouble
from salut.plugins.rooms.kept import Kept, NotInsideError, done, refuse

if TYPE_CHECKING:
    from salut.plugins.rooms.keeper import Keeper
    from salut.plugins.rooms.reading import RoomMessage

MAX_TOPIC: Final = 8192
CONFIGURED: Final = 104
STRANGE: Final = frozenset({"item-not-found", "not-acceptable", "gone"})  # as if we were not in the room


class Hearing:
    """Takes in what ``protocol.py`` has read."""

    def __init__(self, host: Host, history: History, chat: Chat, keeper: Keeper) -> None:
        self._host = host
        self._history = history
        self._chat = chat
        self._keeper = keeper

    def is_room(self, profile: str, bare: str) -> bool:
        """Whether this is a room of the profile's."""
        return self._keeper.find(profile, bare) is not None

    def told(self, profile: str, occupant: Occupant) -> None:
        """A presence from a room."""
        kept = self._keeper.find(profile, occupant.room)
        if kept is None:
            return
        if kept.pulse is not None:
            kept.pulse.heard(monotonic())
        step = kept.stay.presence(occupant)
        kept.saw(step, moment.now())
        if step.members and kept.stay.shown.state == "joined":
            self._keeper.publish(kept, step.members)
        for nick, member in step.members:
            if member is None:
                self._chat.heard(profile, f"{kept.address}/{nick}", "gone", group=True)
        if step.what == "entered":
            done(kept.entered, step.created)
        elif step.what in ("refused", "out"):
            assert step.trouble is not None
            self._out(kept, step.trouble)
        elif step.what == "not-renamed" and step.trouble is not None:
            refuse(kept.renamed, NotInsideError(step.trouble))
            if step.trouble.condition in STRANGE:
                self._keeper.watch.suspect(kept)
        elif step.what in ("renamed", "self"):
            done(kept.renamed, None)
            self._keeper.show_now(kept)
        elif step.members and kept.stay.shown.state == "joined":
            self._keeper.show_soon(kept)

    def _out(self, kept: Kept, trouble: Trouble) -> None:
        if kept.entered is not None and not kept.entered.done():
            refuse(kept.entered, NotInsideError(trouble))  # ``enter`` does the rest
        elif kept.leaving is not None:
            done(kept.leaving, None)
        else:
            self._put_out(kept, trouble)

    def _put_out(self, kept: Kept, trouble: Trouble) -> None:
        self._keeper.put_out(kept, trouble)
        self._host.owner.spawn(self._keeper.after_out(kept, trouble), f"out of {kept.address}")

    def heard(self, profile: str, told: RoomMessage) -> Awaitable[object] | None:
        """A message to all in a room, live or replayed after we entered."""
        kept = self._keeper.find(profile, told.room)
        if kept is None or not kept.stay.inside:
            return None
        if kept.pulse is not None:
            kept.pulse.heard(monotonic())
        if told.body or (told.subject is None and self._chat.holds(told.inbound)):
            return self._message(kept, told)
        if told.subject is not None:
            self._topic(kept, told)
        return None

    def configured(self, profile: str, room: str, codes: frozenset[int]) -> None:
        """The room itself tells that it is set otherwise than before (section 10.2.1)."""
        kept = self._keeper.find(profile, room)
        if kept is None or kept.stay.shown.state != "joined":
            return
        if kept.stay.codes(codes):
            self._keeper.show_now(kept)
        if CONFIGURED in codes and not kept.learning:
            kept.learning = True
            self._host.owner.spawn(self._learn(kept), f"learn of {kept.address}")

    async def _learn(self, kept: Kept) -> None:
        kept.learning = False  # what changes from now on is asked for again
        await self._keeper.learn(kept)

    def _message(self, kept: Kept, told: RoomMessage) -> Awaitable[object] | None:
        replayed = kept.stay.replaying and told.stamp > 0
        since = 0 if replayed else kept.since.get(told.nick, 0)
        new = self._chat.filled(
            kept.profile,
            reading.new_message(
                kept.stay, told, at=told.stamp if replayed else 0, replayed=replayed, since=since
            ),
            told.inbound,
            False,
        )
        if new is None:
            return None
        if replayed and not kept.counts:
            new.counts = False
        own = told.nick == kept.stay.shown.nick
        stored: Awaitable[object] = self._history.ingest(kept.profile, new)
        if own and new.origin:
            stored = self._reflected(kept, new.origin, stored)
        if not kept.titled:
            kept.titled = True
            self._host.owner.spawn(self._keeper.title(kept), f"title of {kept.address}")
        return stored

    async def _reflected(self, kept: Kept, origin: str, stored: Awaitable[object]) -> None:
        """The room has our message; whoever waits for that learns it."""
        await stored
        await self._chat.advance(kept.profile, origin, "sent", by=kept.address)

    def _topic(self, kept: Kept, told: RoomMessage) -> None:
        """Also the sign that all was replayed (section 7.2.15)."""
        assert told.subject is not None
        kept.replayed.set()
        kept.stay.replaying = False
        kept.stay.show(topic=told.subject[:MAX_TOPIC], topic_by=told.nick if told.subject else "")
        for key, (text, future) in list(kept.topics.items()):
            if key == told.id or (told.nick == kept.stay.shown.nick and text == told.subject):
                done(future, None)
        self._keeper.show_now(kept)

    def answered(self, profile: str, told: RoomMessage) -> bool:
        """An error came for a message to a room; false: for one that history holds."""
        kept = self._keeper.find(profile, told.room)
        if kept is None or told.nick:
            return False
        asked = kept.topics.get(told.id)
        words = told.error_text or told.condition
        if asked is not None:
            refuse(asked[1], NotInsideError(Trouble(told.condition, words)))
            return True
        if told.condition == "not-acceptable" and kept.stay.shown.state == "joined":
            lost = Trouble("lost", _("The room says that you are no longer in it."), passes=True)
            self._put_out(kept, lost)
        elif told.condition in STRANGE and kept.stay.shown.state == "joined":
            self._keeper.watch.suspect(kept)
        return False
