# SPDX-License-Identifier: AGPL-3.0-or-later
"""Notifications decide: they follow from unread counts, so that reading anywhere takes them away everywhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, cast

import msgspec

from salut.engine.batch import Batch, PassingBatch
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment
from salut.plugins.history.api import Conversation, History
from salut.plugins.notify import election
from salut.plugins.notify.api import Notification, NotifyApi, NotifySettings
from salut.plugins.notify.election import Level

MARK: Final = b'"name":"conversation"'
HEAD: Final = 64  # bytes of a change that hold its number and name
HANDED_ON: Final = 10 * moment.SECOND  # so long after a message another window rings where the first one ends


class Told(msgspec.Struct, frozen=True):
    """A change of a conversation."""

    key: str
    value: Conversation | None = None


class NotifyService(NotifyApi):
    """The contract's methods; listens to what the journal publishes."""

    def __init__(self, host: Host, history: History) -> None:
        self._host = host
        self._history = history
        self._decode = msgspec.json.Decoder(Told).decode
        self._changed: dict[tuple[str, str], bytes] = {}
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}
        self._shown: dict[tuple[str, str], Notification] = {}
        self.level: Callable[[str, str], Level] = lambda _profile, _conversation: "always"
        self.is_stranger: Callable[[str, str], bool] = lambda _profile, _conversation: False
        self.clock: Callable[[], time.struct_time] = time.localtime

    async def begin(self) -> None:
        """What is unread already does not ring; hear what comes."""
        for profile, pid in self._host.journal.journals.pids.items():
            if profile:
                for shown in await self._host.readers.read(
                    lambda read, pid=pid: self._history.unread(read, pid)  # type: ignore[misc]
                ):
                    self._counts[profile, shown.address] = (shown.unread, shown.mentions)
        self._host.journal.bus.listen(self._published)
        self._host.windows.on_change.append(self._windows_changed)

    # Windows
    async def list(self, *, profile: str) -> list[Notification]:
        self._host.pid(profile)
        found = [each for (name, _), each in self._shown.items() if name == profile]
        return sorted(found, key=lambda each: -each.at)

    async def dismiss(self, *, profile: str, conversation: str | None = None) -> None:
        self._host.pid(profile)
        address = addresses.normal(conversation) if conversation is not None else None
        for name, key in [*self._shown]:
            if name == profile and address in (None, key):
                self._show(name, key, None)

    # The journal
    def _published(self, batch: Batch | PassingBatch) -> None:
        """On the hot road: only notes what changed; looks at it once in a turn of the loop."""
        if not isinstance(batch, Batch) or not batch.journal:
            return
        for change in batch.changes:
            if MARK in change[:HEAD]:
                if not self._changed:
                    asyncio.get_running_loop().call_soon(self._look)
                self._changed[batch.journal, _key(change)] = change

    def _look(self) -> None:
        changed, self._changed = self._changed, {}
        for (profile, _), encoded in changed.items():
            told = self._decode(encoded)
            if told.value is None:
                self._counts.pop((profile, told.key), None)
                self._show(profile, told.key, None)
            else:
                self._weigh(profile, told.value)

    def _weigh(self, profile: str, shown: Conversation) -> None:
        mark = (profile, shown.address)
        before = self._counts.get(mark, (0, 0))
        if shown.unread or shown.mentions:
            self._counts[mark] = (shown.unread, shown.mentions)
        else:
            self._counts.pop(mark, None)
        level = self.level(profile, shown.address)
        if not election.wanted(shown, level, self.is_stranger(profile, shown.address)):
            self._show(*mark, None)
        elif election.rises(before, shown, level):
            quiet = self._quiet()
            window = election.elected(self._host.windows.looked())
            self._show(*mark, election.notification(shown, window, quiet))
        elif mark in self._shown:  # fewer than before, or mended
            old = self._shown[mark]
            new = election.notification(shown, old.window, old.quiet)
            self._show(*mark, msgspec.structs.replace(new, at=old.at))

    def _quiet(self) -> bool:
        settings = cast("NotifySettings", self._host.settings.get("notify", NotifySettings))
        now = self.clock()
        return election.within(settings.quiet, now.tm_hour * 60 + now.tm_min)

    def weigh_again(self, profile: str, conversation: str) -> None:
        """The person wishes something else of this conversation: a mute takes its notification away."""
        shown = self._shown.get((profile, conversation))
        if shown is None:
            return
        level = self.level(profile, conversation)
        if level == "never" or (level == "mention" and not shown.mentions):
            self._show(profile, conversation, None)

    def _show(self, profile: str, conversation: str, shown: Notification | None) -> None:
        if shown is None:
            if self._shown.pop((profile, conversation), None) is None:
                return
        else:
            self._shown[profile, conversation] = shown
        self._host.journal.passing(profile, "notification", conversation, shown)

    def _windows_changed(self) -> None:
        """A window that was to ring has gone: if it was only a moment ago, another one does."""
        there = {window.id for window, _ in self._host.windows.looked()}
        for (profile, conversation), shown in [*self._shown.items()]:
            if shown.window and shown.window not in there:
                fresh = shown.at > moment.now() - HANDED_ON
                window = election.elected(self._host.windows.looked()) if fresh else ""
                self._show(profile, conversation, msgspec.structs.replace(shown, window=window))

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        for table in (self._counts, self._shown):
            for mark in [mark for mark in table if mark[0] == profile]:
                del table[mark]


def _key(change: bytes) -> str:
    """Enough of a change to tell conversations apart, without decoding it whole."""
    start = change.find(b'"key":"') + 7
    return change[start : change.find(b'","at":', start)].decode("utf-8", "replace")
