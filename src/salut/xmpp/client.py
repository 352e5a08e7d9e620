# SPDX-License-Identifier: AGPL-3.0-or-later
"""slixmpp's client as a host for its plugins: it neither connects nor authenticates nor owns a roster.

The session does those; slixmpp gets the stanzas that the session does not deal with itself, and what its
plugins send goes out through the session, where it is counted.
"""

from __future__ import annotations

import asyncio
import ssl
import weakref
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp import JID, ClientXMPP
from slixmpp.stanza import Message, Presence
from slixmpp.xmlstream import StanzaBase
from slixmpp.xmlstream.handler.base import BaseHandler
from slixmpp.xmlstream.tostring import tostring

from salut.model.owner import TaskOwner
from salut.xmpp.dispatch import HandlerIndex

_OURS = ("feature_starttls", "feature_mechanisms", "feature_bind", "feature_session", "feature_limits")
"""Stream features that the session negotiates itself."""
_PRESENCE_EVENTS = (
    ("presence_available", "_handle_available"),
    ("presence_dnd", "_handle_available"),
    ("presence_xa", "_handle_available"),
    ("presence_chat", "_handle_available"),
    ("presence_away", "_handle_available"),
    ("presence_unavailable", "_handle_unavailable"),
    ("presence_subscribe", "_handle_subscribe"),
    ("presence_subscribed", "_handle_subscribed"),
    ("presence_unsubscribe", "_handle_unsubscribe"),
    ("presence_unsubscribed", "_handle_unsubscribed"),
    ("roster_subscription_request", "_handle_new_subscription"),
    ("roster_update", "_handle_roster"),
)

Fault = Callable[[str, BaseException], None]


class SalutClient(ClientXMPP):
    """A ``ClientXMPP`` whose wire is the session's.

    ``emit`` sends one stanza as text. ``fault(what, error)`` hears of handlers that raise.
    Subscriptions are never accepted by itself, and slixmpp's roster, which grows with every address that
    ever sent a presence, is left empty.
    """

    def __init__(
        self, jid: str, context: ssl.SSLContext, owner: TaskOwner, emit: Callable[[str], None], fault: Fault
    ) -> None:
        self._index = HandlerIndex()
        self._emit = emit
        self._fault = fault
        self._owner = owner
        self._filters_in: list[Callable[[StanzaBase], StanzaBase | None]] = []
        self._hosting = False
        self._filtering: asyncio.Task[object] | None = None
        super().__init__(jid, "", ssl_context=context, loop=asyncio.get_running_loop())
        self._hosting = True
        self.auto_authorize = None
        self.auto_subscribe = False
        self.whitespace_keepalive = False
        self.remove_handler("Roster Update")
        self.remove_handler("Stream Features")
        self.remove_handler("Stream Error")
        for event, method in _PRESENCE_EVENTS:
            self.del_event_handler(event, getattr(self, method))
        self.del_event_handler("session_start", self._start_keepalive)
        self.del_event_handler("disconnected", self._remove_schedules)

    # ---- the session's face

    def established(self, jid: str, resumed: bool, features: set[str]) -> None:
        """A session stands: tell the plugins."""
        self.bound = self.sessionstarted = self.authenticated = True
        self.features = features
        if not resumed:
            self.boundjid = JID(jid)
            self.event("session_bind", self.boundjid)
        self.session_bind_event.set()
        self.event("session_resumed" if resumed else "session_start")

    def lost(self, reason: str) -> None:
        """The connection is gone: tell the plugins."""
        self.bound = self.sessionstarted = self.authenticated = False
        self.event("session_end")
        self.event("disconnected", reason)

    def dispatch(self, element: Element) -> bool:
        """Let slixmpp's handlers have a stanza. False when nobody wanted it. Raises what they raise."""
        return self._run(self._build_stanza(element))

    def message(self, element: Element) -> Message:
        """The stanza object of a message that came."""
        return Message(self, element, recv=True)  # type: ignore[no-untyped-call]  # slixmpp's own

    # ---- what slixmpp calls

    def send(self, data: StanzaBase | str, use_filters: bool = True) -> None:
        """Send a stanza; through the filters only if a plugin has set any."""
        if self._filtering is not None:
            super().send(data, use_filters)
        elif isinstance(data, str):
            self._emit(data)
        else:
            self._emit(tostring(data.xml, xmlns=self.default_ns, stream=self, top_level=True))

    def send_raw(self, data: str | bytes) -> None:
        self._emit(data.decode() if isinstance(data, bytes) else data)

    def add_filter(self, mode: Any, handler: Any, order: int | None = None) -> None:
        """Outgoing filters bring slixmpp's queue into play, and with it a task; we ourselves need none."""
        if mode == "in":
            self._filters_in.insert(order or len(self._filters_in), handler)
            return
        if not self._hosting:
            return  # slixmpp's roster would remember our presence; ours is the plugins' business
        super().add_filter(mode, handler, order)
        if self._filtering is None:
            self._filtering = self._owner.spawn(self.run_filters(), "slixmpp filters")

    def del_filter(self, mode: str, handler: Any) -> None:
        if mode == "in":
            self._filters_in.remove(handler)
        else:
            super().del_filter(mode, handler)

    def register_plugin(self, plugin: str, pconfig: dict[str, Any] | None = None, module: Any = None) -> None:
        if plugin not in _OURS:
            super().register_plugin(plugin, pconfig, module)

    def register_handler(
        self, handler: BaseHandler, before: BaseHandler | None = None, after: BaseHandler | None = None
    ) -> None:
        if handler.stream is None:
            self._index.add(handler)
            handler.stream = weakref.ref(self)

    def remove_handler(self, name: str) -> bool:
        return self._index.remove_named(name)

    def recv_stanza(self, stanza: StanzaBase) -> None:
        if not self._run(stanza):
            stanza.unhandled()

    def exception(self, exception: Exception) -> None:
        self._fault("slixmpp", exception)

    def connect(self, host: str | None = None, port: int | None = None) -> asyncio.Future[None]:
        raise RuntimeError("the session connects, not slixmpp")

    def abort(self) -> None:
        """Plugins do not end connections."""

    def is_connected(self) -> bool:
        return bool(self.sessionstarted)

    # ---- inside

    def _run(self, stanza: StanzaBase) -> bool:
        for filter_ in self._filters_in:
            passed = filter_(stanza)
            if passed is None:
                return True
            stanza = passed
        handlers = self._index.matching(stanza)
        for handler in handlers:
            handler.prerun(stanza)
            try:
                handler.run(stanza)
            except Exception as error:  # noqa: BLE001 -- one plugin's fault is not the others'; it is logged and answered
                self._fault(handler.name, error)
                stanza.exception(error)
            if handler.check_delete():
                self._index.remove(handler)
        return bool(handlers)

    def _handle_presence(self, presence: Presence) -> None:
        """slixmpp's own makes a roster entry for every sender; ours only tells the plugins."""
        kind = presence["type"]
        self.event("presence", presence)
        self.event(f"presence_{kind}", presence)
        if kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed"):
            self.event("changed_subscription", presence)
