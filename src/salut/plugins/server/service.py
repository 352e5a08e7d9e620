# SPDX-License-Identifier: AGPL-3.0-or-later
"""Servers decide: who is told what of us, and when pages are asked for news of outages."""

from __future__ import annotations

import asyncio
import platform
import time
from datetime import datetime
from typing import Final, cast

import msgspec

import salut
from salut.api.ports import Read, Tx
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid
from salut.model.words import _
from salut.plugins.roster.api import Roster
from salut.plugins.server import outage
from salut.plugins.server.api import Clock, Outage, ServerApi, ServerInfo, ServerSettings, Software, Who
from salut.plugins.server.bounds import Bounds
from salut.plugins.server.outage import PageError
from salut.plugins.server.protocol import ServerProtocol
from salut.xmpp.router import Wires

KEY: Final = "outage"
TICK: Final = 30.0
SELECT: Final = "SELECT addresses, outage, rev FROM server_status WHERE pid=?"


class ServerService(ServerApi):
    """The contract's methods, answers to others, and the watch on outages."""

    def __init__(self, host: Host, wires: Wires) -> None:
        self._host = host
        self._roster = host.prefer("roster", Roster)  # type: ignore[type-abstract]  # the port's Protocol
        self._bounds: dict[str, Bounds] = {}
        self._asked: dict[str, float] = {}  # when a profile's pages were asked last
        self.protocol = ServerProtocol(wires, self)

    # Windows
    async def info(self, *, profile: str) -> ServerInfo:
        found = await self.protocol.info(self._host.link(profile))
        return msgspec.structs.replace(found, outage=await self.outage(profile=profile))

    async def outage(self, *, profile: str, refresh: bool = False) -> Outage | None:
        if refresh:
            await self.refresh(profile)
        pid = self._host.pid(profile)
        _pages, found = await self._host.readers.read(lambda read: stored(read, pid))
        return found

    async def software(self, *, profile: str, address: str) -> Software:
        return await self.protocol.software(self._host.link(profile), _whom(address))

    async def time(self, *, profile: str, address: str) -> Clock:
        return await self.protocol.time(self._host.link(profile), _whom(address))

    # Others
    def _settings(self) -> ServerSettings:
        return cast("ServerSettings", self._host.settings.get("server", ServerSettings))

    def may_ask(self, profile: str, who: str) -> bool:
        """Whether ``who`` has not asked too often."""
        now = time.monotonic()
        return self._bounds.setdefault(profile, Bounds(now)).allow(who, now)

    def _may_know(self, allowed: Who, profile: str, who: str) -> bool:
        if not who or allowed == "everyone":
            return True
        return allowed == "contacts" and self._roster is not None and self._roster.is_contact(profile, who)

    def own_software(self, profile: str, who: str) -> Software | None:
        """What ``who`` is told that we are; ``None``: nothing."""
        settings = self._settings()
        if not self._may_know(settings.answer_version, profile, who):
            return None
        system = platform.system() if settings.answer_os else ""
        return Software(name="Salut", version=salut.__version__, os=system)

    def own_clock(self, profile: str, who: str) -> Clock | None:
        """The time that ``who`` is told; ``None``: nothing."""
        if not self._may_know(self._settings().answer_time, profile, who):
            return None
        ahead = datetime.now().astimezone().utcoffset()
        return Clock(utc=moment.now(), ahead=round(ahead.total_seconds() / 60) if ahead else 0)

    # Outages
    async def online(self, profile: str) -> None:
        """A session stands: keep where its server tells of outages, for when there is none."""
        found = msgspec.json.encode(self.protocol.outage_pages(self._host.link(profile))).decode()

        def work(tx: Tx) -> None:
            row = tx.one(SELECT, (tx.pid,))
            if (str(row[0]) if row is not None else "[]") != found:
                _store(tx, found, _outage(row[1]) if row is not None else None)

        await self._host.journal.commit(profile, work, patient=True)
        self._asked.pop(profile, None)

    def forget(self, profile: str) -> None:
        """The session is gone for good."""
        self._bounds.pop(profile, None)
        self._asked.pop(profile, None)

    async def watch(self) -> None:
        """Ask pages now and then: oftener while there is no connection."""
        while True:
            await asyncio.sleep(TICK)
            for profile in [name for name in self._host.journal.journals.pids if name]:
                online = self._host.is_online(profile)
                wait = outage.ONLINE_SECONDS if online else outage.OFFLINE_SECONDS
                last = self._asked.get(profile)
                if last is None or time.monotonic() - last >= wait:
                    try:
                        await self.refresh(profile)
                    except SalutError as error:  # deleted meanwhile, or no room on the disk: next time
                        self._host.log.info("outages not looked for", profile=profile, reason=error.message)

    async def refresh(self, profile: str) -> None:
        """Ask the pages of a profile's server, one after the other until one answers."""
        self._asked[profile] = time.monotonic()
        settings = self._settings()
        if not settings.outages:
            return
        pid = self._host.pid(profile)
        found, _old = await self._host.readers.read(lambda read: stored(read, pid))
        if not found:
            return
        shown = next((p for p in await self._host.profiles.list() if p.name == profile), None)
        if shown is None or not (shown.enabled or self._host.is_online(profile)):
            return
        from salut.plugins.server.fetch import fetch

        context = self.protocol.trust(shown.ca_file)
        for page in found:
            try:
                said = await fetch(page, context, private=settings.outages_private)
                news = outage.read(said, page, outage.languages())
            except PageError as error:
                self._host.log.info("no news of outages", page=page, reason=str(error))
                continue
            await self._host.journal.commit(profile, lambda tx, news=news: _keep(tx, news), patient=True)  # type: ignore[misc]
            return


def stored(read: Read, pid: int) -> tuple[list[str], Outage | None]:
    """The pages of a profile's server, and what was heard last."""
    row = read.one(SELECT, (pid,))
    if row is None:
        return [], None
    return msgspec.json.decode(str(row[0]), type=list[str]), _outage(row[1])


def shown(read: Read, pid: int) -> tuple[Outage, int] | None:
    """An outage with its revision."""
    row = read.one(SELECT, (pid,))
    found = _outage(row[1]) if row is not None else None
    return (found, int(row[2] or 0)) if row is not None and found is not None else None


def _outage(value: object) -> Outage | None:
    return msgspec.json.decode(value, type=Outage) if isinstance(value, bytes) else None


def _keep(tx: Tx, news: Outage | None) -> None:
    row = tx.one(SELECT, (tx.pid,))
    if row is not None and _outage(row[1]) != news:
        _store(tx, str(row[0]), news)


def _store(tx: Tx, found: str, news: Outage | None) -> None:
    """Keep it. A server that names no pages any more has no outage that we could hear the end of."""
    news = news if found != "[]" else None
    row = tx.one(SELECT, (tx.pid,))
    changed = (_outage(row[1]) if row is not None else None) != news
    rev = tx.change(KEY, KEY, news) if changed else int(row[2] or 0) if row is not None else 0
    tx.execute(
        "INSERT OR REPLACE INTO server_status (pid, addresses, outage, rev) VALUES (?,?,?,?)",
        (tx.pid, found, msgspec.json.encode(news) if news is not None else None, rev),
    )


def _whom(address: str) -> str:
    parts = addresses.parse(address)
    if parts.local and not parts.resource:
        raise invalid(
            "address",
            _("Which of their devices? Give the full address (name@server/device), or a server's domain."),
        )
    return str(parts)
