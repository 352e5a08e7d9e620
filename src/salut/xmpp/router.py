# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which feature gets a message. Features register once for the whole daemon; all sessions share the table."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from salut.model.promise import Promise

if TYPE_CHECKING:
    from salut.xmpp.decode import Inbound
    from salut.xmpp.session import Session
    from salut.xmpp.shared import Shared

Via = Literal["", "carbon", "archive"]


@dataclass(slots=True)
class Account:
    """A profile's session, with what every handler asks of it."""

    profile: str
    bare: str
    session: Session


Handler = Callable[[Account, "Inbound", Via], Awaitable[object] | None]
KeysHandler = Callable[[Account, list[str]], object]
Reader = Callable[[Account, "Inbound"], object | None]


class Router:
    """Tables from what a message is to who deals with it.

    ``wrap(part)``: messages with this part belong to the handler alone (carbons, archive results).
    ``own(profile, bare)``: all messages from this address (rooms). ``main(type)``: the others, by type.
    ``observe(part)``: told in addition (receipts, chat states). Handlers may return an awaitable that ends
    when all is stored; the message is not acknowledged to the server before.
    ``reader(type)``: makes of an archived message what history keeps; nothing is stored by it.
    """

    def __init__(self) -> None:
        self._wraps: dict[str, Handler] = {}
        self._mains: dict[str, Handler] = {}
        self._owned: dict[tuple[str, str], Handler] = {}
        self._observers: dict[str, list[Handler]] = {}
        self._readers: dict[str, Reader] = {}
        self._stored: dict[str, Handler] = {}
        self._acked: list[KeysHandler] = []
        self._lost: list[KeysHandler] = []

    def wrap(self, part: str, handler: Handler) -> None:
        """Give messages with ``part`` to ``handler`` alone."""
        self._wraps[part] = handler

    def main(self, kind: str, handler: Handler) -> None:
        """Give messages of type ``kind`` to ``handler``."""
        self._mains[kind] = handler

    def own(self, profile: str, bare: str, handler: Handler | None) -> None:
        """Give messages from ``bare`` to ``handler`` (``None``: no longer)."""
        if handler is None:
            self._owned.pop((profile, bare), None)
        else:
            self._owned[profile, bare] = handler

    def by_type(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        """What ``main``'s handler makes of a message, for an owner that has no use for it itself."""
        handler = self._mains.get(inbound.type)
        return handler(account, inbound, via) if handler is not None else None

    def observe(self, part: str, handler: Handler) -> None:
        """Tell ``handler`` of messages with ``part``, after the main handler."""
        self._observers.setdefault(part, []).append(handler)

    def stored(self, part: str, handler: Handler) -> None:
        """Tell ``handler`` of live messages with ``part`` once they are stored: what it says to their senders
        must be true. What it returns is not waited for."""
        self._stored[part] = handler

    def reader(self, kind: str, reader: Reader) -> None:
        """Let ``reader`` read archived messages of type ``kind``."""
        self._readers[kind] = reader

    def read(self, account: Account, inbound: Inbound) -> object | None:
        """An archived message as its feature keeps it (history's ``NewMessage``); ``None``: not worth keeping."""
        reader = self._readers.get(inbound.type)
        return reader(account, inbound) if reader is not None else None

    def on_acked(self, handler: KeysHandler) -> None:
        """``handler`` learns which tracked stanzas the server has."""
        self._acked.append(handler)

    def on_lost(self, handler: KeysHandler) -> None:
        """``handler`` learns of which tracked stanzas that is not known."""
        self._lost.append(handler)

    def acked(self, account: Account, keys: list[str]) -> None:
        """From the session."""
        for handler in self._acked:
            handler(account, keys)

    def lost(self, account: Account, keys: list[str]) -> None:
        """From the session."""
        for handler in self._lost:
            handler(account, keys)

    def route(self, account: Account, inbound: Inbound, via: Via = "") -> Awaitable[object] | None:
        """Hand a message on. The result ends when all that dealt with it have stored what they keep."""
        parts = inbound.parts
        wraps = self._wraps
        if not via and not wraps.keys().isdisjoint(parts):
            part = next(part for part in parts if part in wraps)
            return wraps[part](account, inbound, via)
        bare = inbound.from_.partition("/")[0]
        handler = self._owned.get((account.profile, bare)) or self._mains.get(inbound.type)
        result = handler(account, inbound, via) if handler is not None else None
        if not via:
            for part in self._stored:
                if part in parts:
                    result = _then(result, partial(self._stored[part], account, inbound, via))
        more = self.observed(account, inbound, via)
        if not more:
            return result
        if result is not None:
            more.append(result)
        return more[0] if len(more) == 1 else asyncio.gather(*more)

    def observed(self, account: Account, inbound: Inbound, via: Via) -> list[Awaitable[object]]:
        """Tell the observers alone."""
        more: list[Awaitable[object]] = []
        observers = self._observers
        for part in inbound.parts:
            if part in observers:
                for observer in observers[part]:
                    extra = observer(account, inbound, via)
                    if extra is not None:
                        more.append(extra)
        return more


def _then(result: Awaitable[object] | None, act: Callable[[], object]) -> Awaitable[object] | None:
    """``act`` when ``result`` has come without an error."""
    if result is None:
        act()
        return None
    if isinstance(result, Promise):
        return result.then(lambda end: act() if end.error is None else None)
    if isinstance(result, asyncio.Future):
        result.add_done_callback(lambda done: None if done.cancelled() or done.exception() else act())
        return result

    async def both(first: Awaitable[object]) -> object:
        value = await first
        act()
        return value

    return both(result)


@dataclass(frozen=True)
class Wires:
    """What a plugin's ``protocol.py`` registers with, once: ``host.wires``."""

    shared: Shared
    router: Router
