# SPDX-License-Identifier: AGPL-3.0-or-later
"""Getting into rooms, staying there, and getting in again."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from time import monotonic
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
from salut.plugins.rooms.events import Trouble
from salut.plugins.rooms.kept import Kept, NotInsideError
from salut.plugins.rooms.learning import Learning
from salut.plugins.rooms.pulse import Pulse
from salut.plugins.rooms.watch import Watch

MAX_ROOMS: Final = 1000
REPLAY: Final = 100  # messages that a room is asked to replay
MARGIN: Final = 120 * moment.SECOND  # our clock and the room's may differ by this much
JOIN_SECONDS: Final = 60.0
REPLAY_SECONDS: Final = 15.0  # a room that has replayed all says so with its topic; some do not
JOINING_SECONDS: Final = 10.0
JOINED_SECONDS: Final = 60.0
INFO_SECONDS: Final = 5.0  # a room that does not say what it is may still let us in
YIELDS: Final = 3  # other nicks that are tried before we stay outside
RETRY_SECONDS: Final = 5.0
MAX_RETRY_SECONDS: Final = 900.0


class Keeper(Learning):
    """Keeps profiles in their rooms."""

    def __init__(self, host: Host, history: History, chat: Chat) -> None:
        super().__init__(host, history)
        self.chat = chat
        self.joining_hooks: list[Hook] = []
        self.joined_hooks: list[Hook] = []
        self.status: dict[str, str] = {}  # profile -> what its presences say
        self._invisible: set[str] = set()
        self.watch = Watch(self)

    def forget(self, profile: str) -> None:
        super().forget(profile)
        self.status.pop(profile, None)
        self._invisible.discard(profile)

    # Getting in
    async def enter(self, kept: Kept, nick: str, password: str, timeout: float, yields: int = 0) -> None:
        """Join, and be in when it returns. Raises what a window may be told; the room shows it too.

        ``yields``: so many other nicks are tried where ours is taken.
        """
        kept.quiet()
        kept.ready = kept.titled = kept.created = False
        kept.entered = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._attempts(kept, nick, password, yields)
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
            if kept.created:
                self._exit(kept)
            told = await self._failed(kept, Trouble(condition, error.message))
            raise (error if kept.created else told) from None
        finally:
            kept.entered = None
        kept.tries = 0
        kept.fresh = False
        kept.stay.show(autojoin=True)
        await self.keep(kept, password)
        kept.pulse = Pulse(monotonic())
        self.watch.begin()
        self.host.owner.spawn(self._settle(kept, kept.stay.join_id), f"settle in {kept.address}")

    async def _attempts(self, kept: Kept, nick: str, password: str, yields: int) -> None:
        wanted = nick
        while True:
            kept.replayed = asyncio.Event()
            if kept.entered is None or kept.entered.done():
                kept.entered = asyncio.get_running_loop().create_future()
            kept.stay.begin(nick, secrets.token_hex(8))
            try:
                await self.show(kept)
                await self._ask(kept, kept.stay.join_id, nick, password)
                break
            except NotInsideError as error:
                if error.trouble.condition != "conflict" or not yields:
                    raise
                yields -= 1
                nick = error.trouble.suggestion
        kept.stay.show(wanted=wanted if kept.stay.shown.nick != wanted else "")

    async def _ask(self, kept: Kept, key: str, nick: str, password: str) -> None:
        assert kept.entered is not None
        _hooked, info = await asyncio.gather(
            self._call(self.joining_hooks, kept, JOINING_SECONDS), self._info(kept, INFO_SECONDS)
        )
        newest = await self.history.newest_message(kept.profile, kept.address)
        kept.counts = newest is not None
        since = newest.at - MARGIN if newest is not None else 0
        if kept.stay.join_id == key:
            if info is not None:
                self._learned(kept, info)
            link = self.host.link(kept.profile)
            to = f"{kept.address}/{nick}"
            secret = password or self.password(kept)
            self.protocol.enter(link, to, key, secret, since, REPLAY, self.status.get(kept.profile, ""))
        kept.created = await kept.entered
        if kept.created:
            kept.stay.vouches = None  # what was said of it before it was made counts no more
            if kept.opener is not None:
                await kept.opener()
            else:
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
            await self.drop(kept)
        return trouble.error(kept.address)

    async def drop(self, kept: Kept) -> None:
        """As if the room had never been one of ours."""
        self.remove(kept)
        await self.host.journal.commit(kept.profile, lambda tx: store.remove(tx, [kept.address]))

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
        """What opens the room, if we know it."""
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
        if kept.stay.vouches is None:
            await self.learn(kept)
        else:
            await self.title(kept)

    async def _call(self, hooks: list[Hook], kept: Kept, seconds: float) -> None:
        for hook in hooks:
            try:
                async with asyncio.timeout(seconds):
                    await hook(kept.profile, kept.address)
            except (TimeoutError, SalutError) as error:
                self.host.log.warning("room hook failed", room=kept.address, problem=repr(error))

    # Getting out, and in again
    def put_out(self, kept: Kept, trouble: Trouble) -> None:
        """We are out against our will; what may pass is tried again. ``after_out`` has to follow."""
        ours = trouble.condition in ("not-connected", "cancelled")
        kept.stay.leave("" if ours else trouble.words)
        kept.out(trouble)
        self.withdraw(kept)
        if trouble.gone:
            kept.stay.show(autojoin=False, moved=trouble.alternative)  # joined again, it would be made anew
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
                await self.enter(kept, shown.wanted or shown.nick, "", JOIN_SECONDS, YIELDS)
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
