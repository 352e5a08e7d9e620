# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lets messages leave at their time: claim (stored), send (known again by its op), finish (stored).

A daemon that dies between any two of these goes on at its next start: what is claimed is sent again with the same
op, and history takes a message with an op that it holds already for that message.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec

from salut.engine.context import CURRENT, CallContext
from salut.engine.plugin import Host
from salut.model import moment
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.chat.api import ChatApi, Occupancy
from salut.plugins.history.api import History, Message
from salut.plugins.later import store
from salut.plugins.later.agenda import Agenda, Entry, Key
from salut.plugins.later.api import Scheduled

PASSES: Final = frozenset({"storage", "unavailable", "busy", "timeout"})  # to be tried again
SOON: Final = 0.1  # seconds: the daemon takes its profiles up after its plugins


class Clerk:
    """One for all profiles."""

    def __init__(self, host: Host, chat: ChatApi, rooms: Occupancy | None) -> None:
        self._host = host
        self._chat = chat
        self._rooms = rooms
        self._history = host.need("history", History)  # type: ignore[type-abstract]  # the port's Protocol
        self._woken = asyncio.Event()
        self._leaving: set[Key] = set()
        self.agenda = Agenda()

    def wake(self) -> None:
        """Something is there, or has another time."""
        self._woken.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._woken.clear()
            wait: float | None
            try:
                entries = await self._host.readers.read(store.entries)
            except SalutError as error:
                self._host.log.warning("what is scheduled cannot be read", reason=error.message)
                wait = 5.0
            else:
                here = [entry for entry in entries if entry.key not in self._leaving]
                plan = self.agenda.plan(here, moment.now(), time.monotonic())
                for entry, late in plan.due:
                    await self._attempt(entry, late)
                wait = 0.0 if plan.due else plan.wait
            await self._sleep(wait)

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _attempt(self, entry: Entry, late: bool) -> None:
        """One message; whatever goes wrong with it is not in the way of the others."""
        self.agenda.again(entry.key, time.monotonic())  # unless what follows ends well
        task = self._host.owner.spawn(self._leave(entry, late), f"send what was scheduled ({entry.id})")
        await asyncio.wait([task])

    async def _leave(self, entry: Entry, late: bool) -> None:
        profile = self._profile(entry.pid)
        if profile is None:
            return
        try:
            self._host.address(profile)
        except SalutError:  # not taken up yet, or being deleted
            self.agenda.again(entry.key, time.monotonic(), SOON)
            return
        try:
            row = await self._host.journal.commit(
                profile, lambda tx: store.claim(tx, entry.id, late, entry.at)
            )
        except SalutError as error:
            self._host.log.warning("not sent yet", scheduled=entry.id, reason=error.message)
            return
        if row is None:
            self.agenda.forget(entry.key)
        elif entry.key not in self._leaving:
            await self.deliver(profile, row)

    def _profile(self, pid: int) -> str | None:
        return next((name for name, n in self._host.journal.journals.pids.items() if n == pid), None)

    async def deliver(self, profile: str, row: store.Row) -> Scheduled:
        """Send what is claimed. Returns what became of it; ``sending`` where it is tried again."""
        key = (self._host.pid(profile), row.shown.id)
        self._leaving.add(key)
        try:
            return await self._deliver(profile, row, key)
        except SalutError as error:
            if error.code not in PASSES:
                raise
            self._host.log.warning("not sent yet", scheduled=row.shown.id, reason=error.message)
            self.agenda.again(key, time.monotonic())
            return row.shown
        finally:
            self._leaving.discard(key)
            self.wake()

    async def _deliver(self, profile: str, row: store.Row, key: Key) -> Scheduled:
        shown = row.shown
        try:
            message = await self._send(profile, row)
        except SalutError as error:
            if error.code in PASSES:
                raise
            there = await self._history.find(profile, origin=row.op, conversation=shown.conversation)
            if there is None:
                words = error.message
                self.agenda.forget(key)
                return await self._host.journal.commit(profile, lambda tx: store.stop(tx, shown.id, words))
            message = there
        await self._host.journal.commit(profile, lambda tx: store.finish(tx, shown.id, message.id))
        self.agenda.forget(key)
        return msgspec.structs.replace(shown, state="sent", message=message.id)

    async def _send(self, profile: str, row: store.Row) -> Message:
        shown = row.shown
        if row.room and (
            self._rooms is None or self._rooms.sender(profile, shown.conversation.partition("/")[0]) is None
        ):
            raise SalutError(
                "refused",
                _("You have left {}; join it and send the message then.").format(shown.conversation),
            )
        token = CURRENT.set(CallContext(op=row.op))
        try:
            return await self._chat.send(
                profile=profile, to=shown.conversation, body=shown.body, subject=shown.subject
            )
        finally:
            CURRENT.reset(token)
