# SPDX-License-Identifier: AGPL-3.0-or-later
"""Profiles: accounts, each with a link of its own, made and changed while the others run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec
import structlog

from salut.api.contract import DAEMON_JOURNAL
from salut.api.core import Profile, ProfileChange, ProfilesApi
from salut.api.ports import Read, SqlRow, Tx
from salut.api.wire import Item
from salut.engine.context import CURRENT
from salut.engine.database import Readers
from salut.engine.host import PluginHost
from salut.engine.journal import Journal
from salut.engine.links import LinkConfig, LinkControl, LinkHooks, LinkMaker
from salut.engine.plugin import Link
from salut.engine.vault import Vault
from salut.engine.writer import Transaction
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid, not_found
from salut.model.link import LinkState
from salut.model.owner import TaskOwner
from salut.model.words import _

_encode = msgspec.json.Encoder().encode
_decode_profile = msgspec.json.Decoder(Profile).decode
ENDS = ("online", "refused")
MAX_WAIT = 120.0


@dataclass
class Runtime:
    """A profile while the daemon runs."""

    pid: int
    shown: Profile
    link: LinkControl | None = None
    was_online: bool = False
    session: int = 0  # counts sessions that were not resumed
    told: int = 0  # the last one of which all plugins know
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)
    leaving: bool = False  # it is being deleted: no link may open any more
    changed: asyncio.Event | None = None
    linking: asyncio.Lock = field(default_factory=asyncio.Lock)  # one opens or stops the link at a time


class Profiles(ProfilesApi):
    """All profiles. Their ``profile`` object lies in the journal of their own."""

    def __init__(
        self,
        journal: Journal,
        readers: Readers,
        host: PluginHost,
        vault: Vault,
        maker: LinkMaker,
        owner: TaskOwner,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._journal = journal
        self._readers = readers
        self._host = host
        self._vault = vault
        self._maker = maker
        self._owner = owner
        self._log = log
        self._runtimes: dict[str, Runtime] = {}
        self._making: set[str] = set()
        self.on_journal: list[Callable[[str, bool], None]] = []  # told of created and deleted profiles

    def __len__(self) -> int:
        return len(self._runtimes)

    async def load(self, stored: list[SqlRow]) -> None:
        """Take up the stored profiles; enabled ones connect when ``connect_enabled`` is called."""
        for name, pid, shown in stored:
            assert isinstance(name, str) and isinstance(pid, int) and isinstance(shown, bytes)
            runtime = self._runtimes[name] = Runtime(pid, _decode_profile(shown))
            if runtime.shown.link.state != "offline":
                await self._set(runtime, link=LinkState())

    def connect_enabled(self) -> None:
        """Bring all enabled profiles online."""
        for name, runtime in self._runtimes.items():
            if runtime.shown.enabled:
                self._start(name)

    async def close(self) -> None:
        """Leave all servers."""
        stopping = [runtime.link.stop() for runtime in self._runtimes.values() if runtime.link]
        await asyncio.gather(*stopping)

    def is_online(self, name: str) -> bool:
        """Whether a profile has a session now."""
        runtime = self._runtimes.get(name)
        return runtime is not None and runtime.shown.link.state == "online"

    def address(self, name: str) -> str:
        """The address of a profile's account. ``not-found``."""
        return self._get(name).shown.address

    def snapshot(self, read: Read, name: str, pid: int) -> Iterable[Item]:
        """The profile's own object."""
        row = read.one("SELECT shown, rev FROM profile WHERE pid=?", (pid,))
        if row is not None:
            assert isinstance(row[0], bytes) and isinstance(row[1], int)
            yield Item("profile", name, row[1], msgspec.Raw(row[0]))

    # The contract
    async def list(self) -> list[Profile]:
        context = CURRENT.get()
        seen = context.profiles if context is not None else None
        return [r.shown for name, r in self._runtimes.items() if seen is None or name in seen]

    async def create(
        self, *, name: str, address: str, password: str, settings: ProfileChange = ProfileChange()
    ) -> Profile:
        if name in self._runtimes or name in self._making:
            raise SalutError("exists", _("There is a profile {} already.").format(name))
        parts = addresses.parse(address)
        if not parts.local:
            raise invalid("address", _("An account's address has a name before the @: name@server"))
        profile = Profile(name=name, address=parts.bare, enabled=True, resource=parts.resource)
        profile = msgspec.structs.replace(profile, **_changes(settings))
        sealed = self._vault.seal(name, password)

        def insert(tx: Tx) -> int:
            assert isinstance(tx, Transaction)
            pid = tx.execute(
                "INSERT INTO profile (name, address, enabled, config, password, shown, rev) VALUES (?,?,?,?,?,?,0)",
                (name, profile.address, profile.enabled, "{}", sealed, _encode(profile)),
            )
            tx.open_journal(name, pid)
            return pid

        self._making.add(name)
        try:
            pid = await self._journal.commit(DAEMON_JOURNAL, insert)
        finally:
            self._making.discard(name)
        runtime = self._runtimes[name] = Runtime(pid, profile)
        self._journal.opened(name, pid)
        for tell in tuple(self.on_journal):
            tell(name, True)
        await self._store(runtime)
        if profile.enabled:
            self._start(name)
        return runtime.shown

    async def change(self, *, profile: str, settings: ProfileChange) -> Profile:
        runtime = self._get(profile)
        if settings.password is not None:
            sealed = self._vault.seal(profile, settings.password)
            await self._journal.commit(
                profile, lambda tx: tx.execute("UPDATE profile SET password=? WHERE pid=?", (sealed, tx.pid))
            )
        changed = await self._set(runtime, **_changes(settings))
        config = await self._config(profile)
        if runtime.link is not None:
            runtime.link.reconfigure(config)
        if settings.enabled is False:
            await self._stop(runtime)
        elif settings.enabled:
            self._start(profile)
        return changed

    async def delete(self, *, profile: str) -> None:
        runtime = self._get(profile)
        runtime.leaving = True

        def forget(tx: Tx) -> None:
            assert isinstance(tx, Transaction)
            self._host.forget(tx, runtime.pid)
            for table in ("journal", "op", "profile"):
                tx.execute(f"DELETE FROM {table} WHERE pid=?", (runtime.pid,))
            tx.close_journal(profile)

        try:
            await self._stop(runtime)
            await self._journal.commit(DAEMON_JOURNAL, forget)
        except SalutError:
            runtime.leaving = False  # it could not be stored: the profile stays
            raise
        del self._runtimes[profile]
        self._journal.closed(profile)
        for tell in tuple(self.on_journal):
            tell(profile, False)

    async def connect(self, *, profile: str, wait: float = 0.0) -> Profile:
        runtime = self._get(profile)
        if not runtime.shown.enabled:
            await self._set(runtime, enabled=True)
        self._start(profile)
        if wait > 0:
            await self._wait(profile, min(wait, MAX_WAIT))
        return runtime.shown

    async def disconnect(self, *, profile: str) -> Profile:
        runtime = self._get(profile)
        if runtime.shown.enabled:
            await self._set(runtime, enabled=False)
        await self._stop(runtime)
        return runtime.shown

    # Links
    def _get(self, name: str) -> Runtime:
        runtime = self._runtimes.get(name)
        if runtime is None or runtime.leaving:
            raise not_found(_("There is no profile {}. See them: jp profile list").format(name[:80]))
        return runtime

    async def _config(self, name: str) -> LinkConfig:
        shown = self._runtimes[name].shown
        pid = self._runtimes[name].pid
        sealed = await self._readers.read(
            lambda read: read.one("SELECT password FROM profile WHERE pid=?", (pid,))
        )
        assert sealed is not None and isinstance(sealed[0], bytes)
        return LinkConfig(
            profile=name,
            address=shown.address,
            password=self._vault.open(name, sealed[0]),
            resource=shown.resource,
            host=shown.host,
            port=shown.port,
            direct_tls=shown.direct_tls,
            ca_file=shown.ca_file,
            pins=tuple(shown.pins),
        )

    def _start(self, name: str) -> None:
        runtime = self._runtimes[name]
        if runtime.link is not None:
            runtime.link.retry_now()
            return
        self._owner.spawn(self._open(name, runtime), f"open {name}")

    async def _open(self, name: str, runtime: Runtime) -> None:
        async with runtime.linking:
            if runtime.link is not None or runtime.leaving or not runtime.shown.enabled:
                return  # opened by another call, deleted or disabled meanwhile
            try:
                config = await self._config(name)
            except SalutError as error:
                if not runtime.leaving:
                    self._state(runtime, LinkState(state="refused", code=error.code, reason=error.message))
                return
            link: LinkControl | None = None

            def ours() -> bool:  # a link that was stopped has no say any more
                return link is None or runtime.link is link

            hooks = LinkHooks(
                on_state=lambda state: self._state(runtime, state) if ours() else None,
                on_session=lambda resumed: self._session(runtime, resumed) if ours() else None,
            )
            link = runtime.link = self._maker(config, hooks)
            self._host.wire(Link(name, runtime.pid, config.address, link.session))
            link.start()

    async def _stop(self, runtime: Runtime) -> None:
        """Leave the server. A link that another call opens meanwhile begins after this one has ended."""
        async with runtime.linking:
            if runtime.link is not None:
                await runtime.link.stop()
                runtime.link = None
                self._gone(runtime)
                self._host.unwire(runtime.shown.name)
            try:
                await self._set(runtime, link=LinkState())
            except SalutError:  # what is so is so: it is stored when that is possible again
                self._state(runtime, LinkState())
        if runtime.shown.enabled and not runtime.leaving:
            self._start(runtime.shown.name)  # it was asked for while the old one was stopping

    def _state(self, runtime: Runtime, state: LinkState) -> None:
        if runtime.shown.link == state:
            return
        runtime.shown = msgspec.structs.replace(runtime.shown, link=state)
        if runtime.changed is not None:
            runtime.changed.set()
        if state.state in ("offline", "refused"):
            self._gone(runtime)
        self._owner.spawn(self._store_state(runtime), f"show {runtime.shown.name}")
        if state.state == "refused" and not runtime.leaving:
            self._host.refused(runtime.shown.name, state.code)

    async def _store_state(self, runtime: Runtime) -> None:
        if self._runtimes.get(runtime.shown.name) is not runtime:
            return
        try:
            await self._store(runtime, patient=True)
        except SalutError as error:
            if error.code != "not-found":  # deleted meanwhile
                raise

    def _session(self, runtime: Runtime, resumed: bool) -> None:
        if not resumed:
            self._gone(runtime)
            runtime.session += 1
        runtime.was_online = True
        name = runtime.shown.name
        self._owner.spawn(self._begin(name, runtime, resumed), f"online {name}")

    async def _begin(self, name: str, runtime: Runtime, resumed: bool) -> None:
        """Tell the plugins of one session after the other; what they do for one that is gone ends early.

        A session that broke while they were told and was resumed is still news to them.
        """
        session = runtime.session

        def current() -> bool:
            return runtime.session == session and not runtime.leaving and self.is_online(name)

        async with runtime.telling:
            known = resumed and runtime.told == session
            if await self._host.online(name, known, current):
                runtime.told = session

    def _gone(self, runtime: Runtime) -> None:
        if runtime.was_online:
            runtime.was_online = False
            self._host.offline(runtime.shown.name)

    async def _wait(self, name: str, seconds: float) -> None:
        runtime = self._runtimes[name]
        try:
            async with asyncio.timeout(seconds):
                while runtime.shown.link.state not in ENDS:
                    if runtime.changed is None or runtime.changed.is_set():
                        runtime.changed = asyncio.Event()
                    await runtime.changed.wait()
        except TimeoutError:
            pass  # what follows says where it stands
        state = runtime.shown.link
        if state.state != "online":
            raise SalutError(
                "refused" if state.state == "refused" else "not-connected",
                _("{} is not online: {}").format(name, state.reason or state.state),
                {"condition": state.code, "state": state.state},
            )

    async def _set(self, runtime: Runtime, **values: object) -> Profile:
        """Change fields of the profile; what cannot be stored is taken back."""
        old = {name: getattr(runtime.shown, name) for name in values}
        runtime.shown = msgspec.structs.replace(runtime.shown, **values)
        try:
            await self._store(runtime)
        except SalutError:
            runtime.shown = msgspec.structs.replace(runtime.shown, **old)
            raise
        return runtime.shown

    async def _store(self, runtime: Runtime, *, patient: bool = False) -> None:
        """Store and show the profile as it is now; commits keep the order in which this is called."""
        shown = runtime.shown

        def work(tx: Tx) -> None:
            encoded = _encode(shown)
            row = tx.one("SELECT shown FROM profile WHERE pid=?", (tx.pid,))
            if row is None or (row[0] == encoded and tx.next_seq() > 1):
                return
            rev = tx.change("profile", shown.name, shown)
            tx.execute(
                "UPDATE profile SET shown=?, rev=?, enabled=? WHERE pid=?",
                (encoded, rev, shown.enabled, tx.pid),
            )

        await self._journal.commit(shown.name, work, patient=patient)


def _changes(change: ProfileChange) -> dict[str, object]:
    """The fields that a change names; they are checked."""
    if change.port is not None and not 0 <= change.port <= 65535:
        raise invalid("settings.port", _("A port is a number from 1 to 65535 (0: found through DNS)."))
    return {
        name: value
        for name, value in msgspec.structs.asdict(change).items()
        if value is not None and name != "password"
    }
