# SPDX-License-Identifier: AGPL-3.0-or-later
"""Asks silent rooms whether we are still in them, and goes in again where we are not (XEP-0410)."""

from __future__ import annotations

import asyncio
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Final

from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.rooms.events import Trouble
from salut.plugins.rooms.kept import Kept
from salut.plugins.rooms.pulse import verdict

if TYPE_CHECKING:
    from salut.plugins.rooms.keeper import Keeper

TICK: Final = 15.0  # seconds between two looks
ANSWER_SECONDS: Final = 60.0
MOST_AT_ONCE: Final = 10  # questions in one look; the other rooms wait for the next


class Watch:
    """Looks after all rooms that profiles are in; rests while there are none."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._handle: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """There is a room to look after."""
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(TICK, self._look)

    def end(self) -> None:
        """Look no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look(self) -> None:
        self._handle = None
        now = monotonic()
        joined = [(kept, kept.pulse) for kept in self._keeper.all() if kept.pulse is not None]
        able = (pair for pair in joined if not pair[0].stay.wanted and self._online(pair[0]))
        due = (kept for kept, pulse in able if pulse.due(now))
        for kept in islice(due, MOST_AT_ONCE):
            self.suspect(kept)
        if joined:
            self.begin()

    def _online(self, kept: Kept) -> bool:
        return self._keeper.host.is_online(kept.profile)

    def suspect(self, kept: Kept) -> None:
        """The room answered as if we were not in it: ask now; returns at once."""
        self._keeper.host.owner.spawn(self.ask(kept), f"still in {kept.address}?")

    async def _exists(self, kept: Kept) -> bool:
        try:
            link = self._keeper.host.link(kept.profile)
            await self._keeper.protocol.info(link, kept.address, ANSWER_SECONDS)
        except SalutError as error:
            return error.data.get("condition") != "item-not-found"
        return True

    async def ask(self, kept: Kept) -> None:
        """Ask a room; where it says that we are not in it, we are out and come again."""
        shown, key = kept.stay.shown, kept.stay.join_id
        try:
            link = self._keeper.host.link(kept.profile)
        except SalutError:
            return
        answer = await self._keeper.protocol.ping(link, f"{kept.address}/{shown.nick}", ANSWER_SECONDS)
        same = kept.stay.join_id == key and kept.stay.shown.nick == shown.nick
        if not same or kept.stay.shown.state != "joined" or kept.pulse is None:
            return
        found = verdict(answer)
        if answer == "item-not-found" and not await self._exists(kept):
            found = "outside"  # not another nick: the room is no more
        if found == "inside":
            kept.pulse.heard(monotonic())
        elif found == "outside":
            lost = Trouble("lost", _("The room says that you are no longer in it."), passes=True)
            self._keeper.put_out(kept, lost)
            await self._keeper.after_out(kept, lost)
