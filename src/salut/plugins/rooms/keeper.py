# SPDX-License-Identifier: AGPL-3.0-or-later
"""Getting into rooms, staying there, and getting in again."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import Final

from salut.api.ports import Tx
from salut.engine.plugin import Host
from salut.model import moment
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import History
from salut.plugins.rooms import store
from salut.plugins.rooms.api import Hook
from salut.plugins.rooms.book import Book
from salut.plugins.rooms.events import Trouble
from salut.plugins.rooms.kept import Kept, NotInsideError

MAX_ROOMS: Final = 1000
REPLAY: Final = 100  # messages that a room is asked to replay
MARGIN: Final = 120 * moment.SECOND  # our clock and the room's may differ by this much
JOIN_SECONDS: Final = 60.0
REPLAY_SECONDS: Final = 15.0  # a room that has replayed all says so with its topic; some do not
JOINING_SECONDS: Final = 10.0
JOINED_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 5.0
MAX_RETRY_SECONDS: Final = 900.0


class Keeper(Book):
    """Keeps profiles in their rooms."""

    def __init__(self, host: Host, history: History, chat: Chat) -> None:
        super().__init__(host)
        self.history = history
        self.chat = chat
        self.joining_hooks: list[Hook] = []
        self.joined_hooks: list[Hook] = []
        self.status: dict[str, str] = {}  # profile -> what its presences say
        self._invisible: set[str] = set()

    def forget(self, profile: str) -> None:
        super().forget(profile)
        self.status.pop(profile, None)
        self._invisible.discard(profile)

    # Getting in
    async def enter(self, kept: Kept, nick: str, password: str, timeout: float) -> None:
        """Join, and be in when it returns. Raises what a window may be told; the room shows it too."""
        stay = kept.stay
        key = secrets.token_hex(8)
        kept.quiet()
        kept.ready = kept.titled = False
        kept.replayed = asyncio.Event()
        kept.entered = asyncio.get_running_loop().create_future()
        stay.begin(nick, key)
        try:
            await self.show(kept)
            async with asyncio.timeout(timeout):
                await self._ask(kept, key, nick, password)
        except TimeoutError:
            raise await self._failed(kept, self._silent(kept, timeout)) from None
        except NotInsideError as error:
            if error.trouble.condition == "cancelled":
                self._exit(kept)
            raise await self._failed(kept, error.trouble) from None
        except asyncio.CancelledError:
            self._exit(kept)
            kept.stay.leave()
            self.show_now(kept)
            raise
        except SalutError as error:
            condition = str(error.data.get("condition", error.code))
            raise await self._failed(kept, Trouble(condition, error.message)) from None
        finally:
            kept.entered = None
        kept.tries = 0
        kept.fresh = False
        stay.show(autojoin=True)
        await self.keep(kept, password)
        self.host.owner.spawn(self._settle(kept, key), f"settle in {kept.address}")

    async def _ask(self, kept: Kept, key: str, nick: str, password: str) -> None:
        assert kept.entered is not None
        await self._call(self.joining_hooks, kept, JOINING_SECONDS)
        newest = await self.history.newest_message(kept.profile, kept.address)
        kept.counts = newest is not None
        since = newest.at - MARGIN if newest is not None else 0
        if kept.stay.join_id == key:
            link = self.host.link(kept.profile)
            to = f"{kept.address}/{nick}"
            secret = password or self.password(kept)
            self.protocol.enter(link, to, key, secret, since, REPLAY, self.status.get(kept.profile, ""))
        if await kept.entered:
            await self.protocol.configure(self.host.link(kept.profile), kept.address)

    def _exit(self, kept: Kept) -> None:
        with contextlib.suppress(SalutError):  # without a link we are not in the room either
            self.protocol.exit(self.host.link(kept.profile), f"{kept.address}/{kept.stay.shown.nick}")

    def _silent(self, kept: Kept, timeout: float) -> Trouble:
        self._exit(kept)
        words = _("{} did not answer within {:g} seconds.").format(kept.address, timeout)
        return Trouble("timeout", words, passes=True)

    async def _failed(self, kept: Kept, trouble: Trouble) -> SalutError:
        """We did not get in: the room says why, or goes if nobody ever was in it."""
        self.put_out(kept, trouble)
        await self.after_out(kept, trouble)
        if kept.fresh:
            self.remove(kept)
            await self.host.journal.commit(kept.profile, lambda tx: store.remove(tx, [kept.address]))
        return trouble.error(kept.address)

    async def keep(self, kept: Kept, password: str) -> None:
        """Store a room, with what opens it where that is given."""
        shown = kept.stay.shown
        sealed = self.host.vault.seal(self._label(kept), password) if password else kept.sealed
        kept.sealed = sealed

        def work(tx: Tx) -> None:
            store.write(tx, [shown])
            store.keep_password(tx, shown.address, sealed)

        await self.host.journal.commit(kept.profile, work, patient=True)
        self.changed(kept.profile, [shown])

    def _label(self, kept: Kept) -> str:
        return f"{kept.profile} {kept.address}"

    def password(self, kept: Kept) -> str:
        """What opened the room last."""
        return self.host.vault.open(self._label(kept), kept.sealed) if kept.sealed else ""

    async def _settle(self, kept: Kept, key: str) -> None:
        """After we are in: first what the room replays, then what waits for it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REPLAY_SECONDS):
                await kept.replayed.wait()
        if kept.stay.join_id != key:
            return
        kept.stay.replaying = False
        await self._call(self.joined_hooks, kept, JOINED_SECONDS)
        await self.host.journal.commit(kept.profile, lambda _tx: None)  # what was replayed is stored now
        if kept.stay.join_id != key:
            return
        kept.ready = True
        await self.chat.flush(kept.profile)
        await self.learn_name(kept)

    async def _call(self, hooks: list[Hook], kept: Kept, seconds: float) -> None:
        for hook in hooks:
            try:
                async with asyncio.timeout(seconds):
                    await hook(kept.profile, kept.address)
            except (TimeoutError, SalutError) as error:
                self.host.log.warning("room hook failed", room=kept.address, problem=repr(error))

    async def learn_name(self, kept: Kept) -> None:
        """Ask the room how it is called, and whether it is private."""
        if not self.host.is_online(kept.profile):
            return
        about = await self.protocol.about(self.host.link(kept.profile), kept.address)
        if about is not None:
            kept.private = about.private
        if about is not None and about.name != kept.stay.shown.name:
            kept.stay.show(name=about.name)
            kept.titled = False
            await self.show(kept)
        await self.title(kept)

    async def title(self, kept: Kept) -> None:
        """Name the conversation as the person calls the room, else as the room is named, if there is one."""
        name = self.called.get((kept.profile, kept.address)) or kept.stay.shown.name
        if name:
            await self.history.set_title(kept.profile, kept.address, name)

    # Getting out, and in again
    def put_out(self, kept: Kept, trouble: Trouble) -> None:
        """We are out against our will; what may pass is tried again. ``after_out`` has to follow."""
        ours = trouble.condition in ("not-connected", "cancelled")
        kept.stay.leave("" if ours else trouble.words)
        kept.out(trouble)
        self.withdraw(kept)
        if trouble.condition == "destroyed":
            kept.stay.show(autojoin=False)  # to join it again would make a new room of this name
        if kept.stay.shown.autojoin and trouble.passes:
            self._again(kept, trouble)

    async def after_out(self, kept: Kept, trouble: Trouble) -> None:
        """Show why we are out; what waits for the room waits no longer if nothing is tried again."""
        ours = trouble.condition in ("not-connected", "cancelled")
        if not ours and kept.retry is None and not kept.stay.inside:
            await self.give_up(kept, trouble.words)
        await self.show(kept)

    def _again(self, kept: Kept, trouble: Trouble) -> None:
        delay = min(RETRY_SECONDS * 2**kept.tries, MAX_RETRY_SECONDS)
        kept.tries = min(kept.tries + 1, 10)
        kept.stay.show(error=_("{} Next try in {:g} seconds.").format(trouble.words, delay))
        kept.retry = asyncio.get_running_loop().call_later(delay, self.rejoin, kept)

    async def give_up(self, kept: Kept, words: str) -> None:
        """What waits to leave for the room will not."""
        for message in await self.history.pending(kept.profile):
            if message.conversation.partition("/")[0] == kept.address:
                await self.chat.advance(
                    kept.profile, message.origin, "failed", words, by=message.conversation
                )

    def rejoin(self, kept: Kept) -> None:
        """Try to get in; returns at once."""
        kept.retry = None
        self.host.owner.spawn(self._rejoin(kept), f"join {kept.address} again")

    async def _rejoin(self, kept: Kept) -> None:
        async with kept.lock:
            shown = kept.stay.shown
            if not shown.autojoin or kept.stay.inside or kept.profile in self._invisible:
                return
            if not self.host.is_online(kept.profile):
                return
            try:
                await self.enter(kept, shown.nick, "", JOIN_SECONDS)
            except SalutError as error:
                self.host.log.info("room not joined", room=kept.address, reason=error.message)

    def online(self, profile: str) -> None:
        """A fresh session: the server knows of no room any more."""
        if profile in self._invisible:
            return
        for kept in self.of(profile):
            kept.tries = 0
            if kept.stay.shown.autojoin:
                self.rejoin(kept)

    def follow(self, profile: str, status: str, *, visible: bool) -> None:
        """The server was told how we are: rooms are told the same. Without presence nobody is in a room."""
        self.status[profile] = status if visible else ""
        if not visible:
            self._invisible.add(profile)
            self.offline(profile)
        elif profile in self._invisible:
            self._invisible.discard(profile)
            self.online(profile)
        else:
            with contextlib.suppress(SalutError):  # without a link nobody has to be told
                for kept in self.of(profile):
                    if kept.stay.shown.state == "joined":
                        to = f"{kept.address}/{kept.stay.shown.nick}"
                        self.protocol.tell(self.host.link(profile), to, status)

    def offline(self, profile: str) -> None:
        """The session is over, and with it our stay in all rooms."""
        gone = Trouble("not-connected", _("The connection to the server is lost."))
        changed = []
        for kept in self.of(profile):
            if kept.stay.inside or kept.retry is not None:
                kept.stay.leave()
                self.withdraw(kept)
                changed.append(kept)
            kept.out(gone)
        if changed:
            self.host.owner.spawn(self.write(profile, changed), f"rooms of {profile} are left")
