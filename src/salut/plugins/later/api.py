# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages that leave later: at a time, or after a moment in which they can be taken back. Contract of ``later``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final, Literal

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.page import Page

# waiting: for its time. sending: it leaves now. stopped: it does not leave by itself, ``error`` says why.
# sent: it left late; kept for a week, so that the person learns of it.
ScheduledState = Literal["waiting", "sending", "stopped", "sent"]


class Scheduled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that the daemon keeps until its time. When it has left in time it is gone from here."""

    id: int  # 0: it left at once
    conversation: str
    body: str
    subject: str = ""
    at: int  # when it leaves
    made_at: int
    undo: bool = False  # held for a moment so that it can be taken back, rather than for a time
    state: ScheduledState = "waiting"
    late: bool = False  # the daemon was not there at its time
    error: str = ""
    message: int = 0  # the message in history that it became


class LaterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Steers ``later.send``."""

    undo_seconds: Annotated[
        float,
        msgspec.Meta(
            ge=0, le=600, description="seconds in which a message can be taken back before it leaves; 0: none"
        ),
    ] = 0


class LaterApi(Service):
    """Scheduled sending, and taking back."""

    service = "later"

    @method(scope="send", write=True)
    @abstractmethod
    async def schedule(self, *, profile: str, to: str, body: str, at: int, subject: str = "") -> Scheduled:
        """Send a message at the moment ``at`` (microseconds, at most ten years ahead), by the daemon's clock.

        Was the daemon not there then, it leaves when the daemon starts, and is marked ``late``. Is the profile
        not connected then, it is stored as pending, as every message. At most 1,000 a profile.
        """

    @method(scope="send", write=True)
    @abstractmethod
    async def send(
        self, *, profile: str, to: str, body: str, subject: str = "", undo: float | None = None
    ) -> Scheduled:
        """Send a message after ``undo`` seconds (at most 600; none: the setting ``later.undo_seconds``; 0: now).

        What is held for one conversation leaves in the order in which it was written.
        """

    @method()
    @abstractmethod
    async def list(self, *, profile: str, after: str | None = None, limit: int = 100) -> Page[Scheduled]:
        """What waits, the next to leave first, and what did not leave or left late. ``limit`` at most 200."""

    @method(scope="send", write=True)
    @abstractmethod
    async def change(
        self,
        *,
        profile: str,
        scheduled: int,
        body: str | None = None,
        subject: str | None = None,
        at: int | None = None,
    ) -> Scheduled:
        """Change text or time; absent fields stay. ``conflict`` when it leaves already, ``not-found`` after that."""

    @method(scope="send", write=True)
    @abstractmethod
    async def cancel(self, *, profile: str, scheduled: int) -> Scheduled:
        """Do not send it; or forget one that was stopped or left late. ``conflict`` when it leaves already."""

    @method(scope="send", write=True)
    @abstractmethod
    async def send_now(self, *, profile: str, scheduled: int) -> Scheduled:
        """Send it at once. ``message`` of the result is what it became."""

    @method(scope="send", write=True)
    @abstractmethod
    async def undo(self, *, profile: str, scheduled: int | None = None) -> Scheduled:
        """Take a message back (none: the newest that is held): its text stands in the draft again.

        Before what the draft holds by now. Where there is no room for it in drafts it stays here, ``stopped``.
        """


CONTRACT: Final = Contract(
    plugin="later",
    services=(LaterApi,),
    kinds=(Kind("scheduled", Scheduled, "its id", snapshot=True),),
    settings=LaterSettings,
)
