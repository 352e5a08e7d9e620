# SPDX-License-Identifier: AGPL-3.0-or-later
"""Later decides: what may be kept, changed and taken back."""

from __future__ import annotations

import secrets
import time
from typing import Final

from salut.api.ports import Tx
from salut.engine.context import CURRENT
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.chat.api import ChatApi, Occupancy
from salut.plugins.drafts.api import Drafts
from salut.plugins.later import store
from salut.plugins.later.api import LaterApi, LaterSettings, Scheduled
from salut.plugins.later.clerk import Clerk

MAX_BODY: Final = 65_536
MAX_UNDO: Final = 600.0
MAX_PAGE: Final = 200
PAST: Final = 60 * moment.SECOND  # a window's clock may be that wrong
AHEAD: Final = 10 * 366 * 86_400 * moment.SECOND


class LaterService(LaterApi):
    """The contract's methods."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._chat = host.need("chat", ChatApi)  # type: ignore[type-abstract]  # its port serves its contract
        self._rooms = host.prefer("rooms", Occupancy)  # type: ignore[type-abstract]
        self._drafts = host.prefer("drafts", Drafts)  # type: ignore[type-abstract]
        self.clerk = Clerk(host, self._chat, self._rooms)

    async def schedule(self, *, profile: str, to: str, body: str, at: int, subject: str = "") -> Scheduled:
        check_text(body, subject)
        check_time(at)
        return await self._keep(profile, to, body, subject, at, 0)

    async def send(
        self, *, profile: str, to: str, body: str, subject: str = "", undo: float | None = None
    ) -> Scheduled:
        seconds = undo
        if seconds is None:
            seconds = self._host.settings.get("later", LaterSettings).undo_seconds
        if not 0 <= seconds <= MAX_UNDO:
            raise invalid("undo", _("A message can be held for at most {:g} seconds.").format(MAX_UNDO))
        check_text(body, subject)
        if not seconds:
            message = await self._chat.send(profile=profile, to=to, body=body, subject=subject)
            return Scheduled(
                id=0,
                conversation=message.conversation,
                body=message.body,
                subject=message.subject,
                at=message.at,
                made_at=message.at,
                state="sent",
                message=message.id,
            )
        conversation, _room = self._conversation(profile, to)
        mono = time.monotonic()
        end = self.clerk.agenda.until((self._host.pid(profile), conversation), mono, seconds)
        hold = int((end - mono) * moment.SECOND)
        kept = await self._keep(profile, to, body, subject, moment.now() + hold, hold)
        self.clerk.agenda.hold((self._host.pid(profile), kept.id), end)
        self.clerk.wake()
        return kept

    async def _keep(self, profile: str, to: str, body: str, subject: str, at: int, undo: int) -> Scheduled:
        conversation, room = self._conversation(profile, to)
        context = CURRENT.get()
        op = context.op if context is not None and context.op else secrets.token_hex(12)
        shown = Scheduled(
            id=0, conversation=conversation, body=body, subject=subject, at=at, made_at=moment.now()
        )
        new = store.New(shown, op, room, undo)
        kept = await self._host.journal.commit(profile, lambda tx: store.add(tx, new))
        self.clerk.wake()
        return kept

    def _conversation(self, profile: str, to: str) -> tuple[str, bool]:
        """The conversation that a message to an address belongs to, and whether that is (in) a room."""
        parts = addresses.parse(to)
        room = self._rooms is not None and self._rooms.sender(profile, parts.bare) is not None
        return (str(parts) if room else parts.bare), room

    async def list(self, *, profile: str, after: str | None = None, limit: int = 100) -> Page[Scheduled]:
        pid = self._host.pid(profile)
        mark = _mark(after) if after else (-1, -1)
        size = max(1, min(limit, MAX_PAGE))
        return await self._host.readers.read(lambda read: store.page(read, pid, mark, size))

    async def change(
        self,
        *,
        profile: str,
        scheduled: int,
        body: str | None = None,
        subject: str | None = None,
        at: int | None = None,
    ) -> Scheduled:
        if at is not None:
            check_time(at)

        def work(tx: Tx) -> Scheduled:
            there = store.get(tx, tx.pid, scheduled).shown
            check_text(there.body if body is None else body, there.subject if subject is None else subject)
            return store.change(tx, scheduled, body, subject, at)

        changed = await self._host.journal.commit(profile, work)
        if at is not None:
            self.clerk.agenda.forget((self._host.pid(profile), scheduled))
        self.clerk.wake()
        return changed

    async def cancel(self, *, profile: str, scheduled: int) -> Scheduled:
        gone = await self._host.journal.commit(profile, lambda tx: store.cancel(tx, scheduled))
        self.clerk.wake()
        return gone

    async def send_now(self, *, profile: str, scheduled: int) -> Scheduled:
        row = await self._host.journal.commit(profile, lambda tx: store.claim_now(tx, scheduled))
        return await self.clerk.deliver(profile, row)

    async def undo(self, *, profile: str, scheduled: int | None = None) -> Scheduled:
        def work(tx: Tx) -> Scheduled:
            key = store.newest_held(tx) if scheduled is None else scheduled
            row = store.take_back(tx, key)
            s = row.shown
            text = f"{s.subject}\n\n{s.body}".strip() if s.subject else s.body
            if self._drafts is not None and self._drafts.give_back(tx, s.conversation, text):
                store.drop(tx, key)
                return s
            return store.stop(tx, key, _("It was taken back; there was no room for it among the drafts."))

        taken = await self._host.journal.commit(profile, work)
        self.clerk.wake()
        return taken


def check_text(body: str, subject: str) -> None:
    """What ``chat.send`` would refuse at its time is refused at once."""
    if len(body) > MAX_BODY or len(subject) > MAX_BODY:
        raise SalutError(
            "too-large",
            _("A message has at most {} characters; send a longer text as a file.").format(MAX_BODY),
            {"field": "body", "limit": MAX_BODY},
        )
    if not body and not subject:
        raise invalid("body", _("An empty message was not sent."))


def check_time(at: int) -> None:
    """A time to come, but not for our grandchildren."""
    now = moment.now()
    if at < now - PAST:
        raise invalid("at", _("That time is past."))
    if at > now + AHEAD:
        raise invalid("at", _("That is more than ten years ahead."))


def _mark(text: str) -> tuple[int, int]:
    at, _dot, key = text.partition(".")
    try:
        found = (int(at), int(key))
    except ValueError:
        found = (1 << 62, 0)
    if any(abs(n) >= 1 << 62 for n in found):
        raise invalid("after", _("“{}” is no mark of a page.").format(text[:80]))
    return found
