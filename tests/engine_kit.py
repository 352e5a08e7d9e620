# SPDX-License-Identifier: AGPL-3.0-or-later
"""An engine inside the test's process, wired as the daemon wires it, for tests of plugins on real servers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import structlog

from devkit.servers import Account, XmppServer
from salut.api.core import Window
from salut.daemon.links import XmppLink
from salut.engine.dispatcher import Caller
from salut.engine.engine import Engine, EngineOptions
from salut.engine.links import LinkConfig, LinkControl, LinkHooks
from salut.plugins.presence.api import PresencePort
from salut.plugins.strangers.api import Strangers
from salut.xmpp.disco import PING
from salut.xmpp.router import Account as Wired
from salut.xmpp.router import Router, Wires
from salut.xmpp.session import Session
from salut.xmpp.shared import Shared

BOUND = 20.0  # seconds that a test waits for what it expects


class EngineKit:
    """The engine under test, with what tests do to it."""

    def __init__(self, folder: Path, without: Iterable[str] = (), *, acquainted: bool = True) -> None:
        self.folder = folder
        self.acquainted = acquainted
        self.known: dict[str, str] = {}
        self.log: structlog.stdlib.BoundLogger = structlog.get_logger()
        self.wires = Wires(Shared.fresh(), Router())
        self.links: dict[str, XmppLink] = {}
        self.engine = Engine(EngineOptions(folder, without), self._make_link, self.wires, self.log)

    def _make_link(self, config: LinkConfig, hooks: LinkHooks) -> LinkControl:
        link = self.links[config.profile] = XmppLink(config, hooks, self.wires, self.log)
        return link

    def meet(self, profile: str, address: str) -> None:
        """The person of a profile knows this address."""
        cast("Strangers", self.engine.plugins.plugins["strangers"].port()).met(profile, address)

    def watch(self, there: bool = True) -> None:
        """A window that is looked at, as far as it tells (XEP-0352: servers hold much back where nobody looks). It is
        there as soon as a profile is."""
        if there:
            self.watch(False)
            window = Window(id="kit", name="kit", kind="test", version="", since=0, binding="test")
            self.engine.windows.add(window, lambda: None, lambda: 0)
        else:
            self.engine.windows.remove("kit")

    async def call(self, method: str, **params: Any) -> Any:
        """Call a contract method; the plain value of its reply. Raises ``SalutError``."""
        reply = await self.engine.dispatcher.call(Caller(), method, msgspec.json.encode(params))
        return msgspec.json.decode(reply).get("value")

    async def add(
        self, name: str, account: Account, server: XmppServer, *, online: bool = True, port: int = 0
    ) -> None:
        """Make a profile of an account; where ``online``, wait until its server has our presence.

        ``port``: where to reach the server, if not directly.
        """
        settings = {"host": "127.0.0.1", "port": port or server.c2s_port, "ca_file": str(server.ca_file)}
        await self.call(
            "profiles.create", name=name, address=account.jid, password=account.password, settings=settings
        )
        self.known[name] = account.jid
        self._introduce()
        self.watch()
        if online:
            await self.call("profiles.connect", profile=name, wait=BOUND)
            await self.settled(name, account.jid.partition("@")[2])

    def _introduce(self) -> None:
        """The profiles of a test have written to each other once: a stranger gets neither receipts nor read marks."""
        plugin = self.engine.plugins.plugins.get("strangers")
        if plugin is not None and self.acquainted:
            port = cast("Strangers", plugin.port())
            for name, own in self.known.items():
                for other in self.known.values():
                    if other != own:
                        port.met(name, other)

    def session(self, name: str) -> Session:
        """The XMPP session of a profile."""
        return cast("Wired", self.links[name].session).session

    async def settled(self, name: str, domain: str) -> None:
        """Wait until the server has dealt with our first presence.

        A server may lose a message that comes in the very moment in which the account becomes available:
        ejabberd 23.01 puts it into its store just after it has emptied that.
        """
        presence = self.engine.plugins.plugins.get("presence")
        if presence is not None:
            port = cast("PresencePort", presence.port())

            async def told() -> bool:
                return port.told(name)

            await self.until(told)
            await self.session(name).iq("get", f"<ping xmlns='{PING}'/>", domain)

    async def until(self, what: Callable[[], Awaitable[Any]], seconds: float = BOUND) -> Any:
        """Wait until ``what`` gives something true; that is returned. ``AssertionError`` after ``seconds``."""
        end = time.monotonic() + seconds
        while True:
            found = await what()
            if found:
                return found
            assert time.monotonic() < end, f"did not come true in {seconds} s; last: {found!r}"
            await asyncio.sleep(0.02)

    async def messages(self, profile: str, conversation: str, limit: int = 500) -> list[dict[str, Any]]:
        """The newest messages of a conversation."""
        page = await self.call("history.page", profile=profile, conversation=conversation, limit=limit)
        items: list[dict[str, Any]] = page["items"]
        return items


@contextlib.asynccontextmanager
async def running_engine(
    folder: Path,
    server: XmppServer | None = None,
    profiles: Mapping[str, Account] | None = None,
    without: Iterable[str] = (),
    *,
    acquainted: bool = True,
) -> AsyncIterator[EngineKit]:
    """A started engine with these profiles online; closed at the end. ``acquainted``: they know each other."""
    kit = EngineKit(folder, without, acquainted=acquainted)
    await kit.engine.start()
    if any(kit.engine.journal.journals.pids):  # profiles of an earlier life
        kit.watch()
    kit.engine.run()
    try:
        for name, account in (profiles or {}).items():
            assert server is not None
            await kit.add(name, account, server)
        yield kit
    finally:
        await kit.engine.close()
