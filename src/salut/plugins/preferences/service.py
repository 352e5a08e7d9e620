# SPDX-License-Identifier: AGPL-3.0-or-later
"""Preferences decide: the last wish counts, on whichever device it was wished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from salut.api.ports import Tx
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid
from salut.model.outbox import Outbox
from salut.model.words import _
from salut.plugins.preferences import store
from salut.plugins.preferences.api import (
    FOREVER,
    ConversationSetting,
    Level,
    Notify,
    PreferencesApi,
    SettingHook,
)
from salut.plugins.preferences.store import Wish, usual
from salut.plugins.rooms.api import Rooms

if TYPE_CHECKING:
    from salut.plugins.preferences.protocol import PreferencesProtocol

MOST: Final = 10_000
TRY_LATER: Final = ("not-connected", "timeout", "unavailable")


class PreferencesService(PreferencesApi):
    """The contract's methods and the port ``Preferences``."""

    def __init__(self, host: Host, rooms: Rooms | None) -> None:
        self._host = host
        self._rooms = rooms
        self._wishes: dict[str, dict[str, Wish]] = {}
        self._hooks: list[SettingHook] = []
        self._doubts: set[tuple[str, str]] = set()  # wished elsewhere while our wish was on its way
        self._outbox = Outbox(host.owner, self._tell, "preferences")
        self.protocol: PreferencesProtocol | None = None

    async def load(self) -> None:
        """Take up what is stored."""
        for profile, pid in self._host.journal.journals.pids.items():
            rows = await self._host.readers.read(lambda read, pid=pid: read.all(store.SELECT, (pid,)))  # type: ignore[misc]
            for row in rows:
                wish = store.of_row(row)
                self._of(profile)[wish.setting.address] = wish
                if wish.pending:
                    self._outbox.keep(profile, wish.setting.address)

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        self._wishes.pop(profile, None)
        self._outbox.forget(profile)

    def _of(self, profile: str) -> dict[str, Wish]:
        return self._wishes.setdefault(profile, {})

    # Windows
    async def list(self, *, profile: str) -> list[ConversationSetting]:
        self._host.pid(profile)
        wishes = self._of(profile)
        return [wishes[key].setting for key in sorted(wishes) if not usual(wishes[key].setting)]

    async def pin(self, *, profile: str, conversation: str, on: bool = True) -> ConversationSetting:
        old = self._asked(profile, conversation)
        return await self._set(profile, msgspec.structs.replace(old, pinned=on))

    async def mute(self, *, profile: str, conversation: str, until: int | None = None) -> ConversationSetting:
        old = self._asked(profile, conversation)
        until = FOREVER if until is None else until
        if until and not moment.now() < until <= FOREVER:
            raise invalid("until", _("That time has passed, or is too far away."))
        return await self._set(profile, msgspec.structs.replace(old, muted_until=until))

    async def notify(self, *, profile: str, conversation: str, level: Notify) -> ConversationSetting:
        old = self._asked(profile, conversation)
        return await self._set(profile, msgspec.structs.replace(old, notify=level))

    def _asked(self, profile: str, conversation: str) -> ConversationSetting:
        self._host.pid(profile)
        address = addresses.normal(conversation)
        if address not in self._of(profile) and len(self._of(profile)) >= MOST:
            words = _("There are wishes about {} conversations already.").format(MOST)
            raise SalutError("too-large", words, {"field": "conversation", "limit": MOST})
        return self.get(profile, address)

    async def _set(self, profile: str, setting: ConversationSetting) -> ConversationSetting:
        if setting == self.get(profile, setting.address):
            return setting
        taken = False
        for hook in self._hooks:
            taken = await hook(profile, setting) or taken
        old = self._of(profile).get(setting.address)
        there = old is not None and old.there
        pending = self.protocol is not None and (not taken or there)
        await self._keep(profile, [Wish(setting, there, pending)])
        if pending:
            self._outbox.put(profile, setting.address)
        return setting

    async def _keep(self, profile: str, wishes: Sequence[Wish]) -> None:
        """In memory and in the store, in one order: the newest wish is the one in force in both."""
        known = self._of(profile)
        for wish in wishes:
            if usual(wish.setting) and not wish.pending:
                known.pop(wish.setting.address, None)
            else:
                known[wish.setting.address] = wish

        def work(tx: Tx) -> None:
            for wish in wishes:
                store.write(tx, wish)

        await self._host.journal.commit(profile, work, patient=True)

    # Other plugins
    def get(self, profile: str, conversation: str) -> ConversationSetting:
        """See ``Preferences``."""
        wish = self._of(profile).get(conversation)
        return wish.setting if wish is not None else ConversationSetting(address=conversation)

    def level(self, profile: str, conversation: str) -> Level:
        """See ``Preferences``."""
        setting = self.get(profile, conversation)
        if setting.muted_until > moment.now():
            return "never"
        if setting.notify != "default":
            return setting.notify
        rooms = self._rooms
        public = (
            rooms is not None
            and rooms.is_room(profile, conversation)
            and not rooms.private(profile, conversation)
        )
        return "mention" if public else "always"

    def on_set(self, hook: SettingHook) -> None:
        """See ``Preferences``."""
        self._hooks.append(hook)

    async def learn(self, profile: str, settings: Sequence[ConversationSetting]) -> None:
        """See ``Preferences``."""
        await self._learn(profile, settings, None)

    async def _learn(self, profile: str, settings: Sequence[ConversationSetting], there: bool | None) -> None:
        """What was wished elsewhere, but for what is on its way from here. ``there``: as items of our node."""
        known = self._of(profile)
        wishes: list[Wish] = []
        for setting in settings:
            old = known.get(setting.address, Wish(ConversationSetting(address=setting.address)))
            if old.pending:
                self._doubts.add((profile, setting.address))
            if old.pending or (setting.address not in known and len(known) + len(wishes) >= MOST):
                continue
            fresh = Wish(setting, old.there if there is None else there and not usual(setting))
            if fresh != old:
                wishes.append(fresh)
        if wishes:
            await self._keep(profile, wishes)

    # Other devices
    async def heard(self, profile: str, settings: Sequence[ConversationSetting], gone: bool) -> None:
        """Our node tells of this. ``gone``: of the end of all that it held."""
        ended = self._there(profile) if gone else ()
        await self._learn(profile, [*ended, *settings], True)

    def _there(self, profile: str, but: Iterable[str] = ()) -> Sequence[ConversationSetting]:
        left = set(but)
        return [
            ConversationSetting(address=address)
            for address, wish in self._of(profile).items()
            if wish.there and address not in left
        ]

    async def online(self, profile: str) -> None:
        """A fresh session: what happened meanwhile, then what waits to be told."""
        if self.protocol is None:
            return
        try:
            found = await self.protocol.fetch(profile)
        except SalutError as error:
            self._host.log.info("wishes not fetched", profile=profile, reason=error.message)
            return
        if found is None:
            return
        ended = self._there(profile, (setting.address for setting in found))
        await self._learn(profile, [*ended, *found], True)
        self._outbox.go(profile)

    async def _tell(self, profile: str, address: str) -> bool:
        wish = self._of(profile).get(address)
        if wish is None or self.protocol is None:
            return True
        setting = wish.setting
        there = not usual(setting)
        try:
            if there:
                await self.protocol.publish(profile, setting)
            else:
                await self.protocol.retract(profile, address)
        except SalutError as error:
            if error.code in TRY_LATER:
                return False
            self._host.log.warning("wish not published", address=address, reason=error.message)
            there = wish.there
        now = self._of(profile).get(address)
        if now is not None:
            newer = now.setting != setting
            await self._keep(profile, [Wish(now.setting, there, newer)])
        if (profile, address) in self._doubts and not self._outbox.waits(profile, address):
            self._doubts.discard((profile, address))
            await self._ask(profile, address)
        return True

    async def _ask(self, profile: str, address: str) -> None:
        """Which wish came last, the server knows."""
        assert self.protocol is not None
        try:
            found = await self.protocol.fetch(profile, address)
        except SalutError as error:
            self._host.log.info("wish not fetched", profile=profile, reason=error.message)
            return  # all are fetched with the next connection
        if found is not None:
            await self._learn(profile, found or [ConversationSetting(address=address)], True)
