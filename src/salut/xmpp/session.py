# SPDX-License-Identifier: AGPL-3.0-or-later
"""One account's live connection: the shell around the state machines of this floor."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TypeVar
from xml.etree.ElementTree import Element

import msgspec
from slixmpp.stanza import Message

from salut.model.link import LinkState
from salut.model.owner import TaskOwner
from salut.xmpp.attempt import Arrival, Attempts
from salut.xmpp.certificate import CertificateReport
from salut.xmpp.client import SalutClient
from salut.xmpp.clock import Clock, SystemClock
from salut.xmpp.config import SessionConfig
from salut.xmpp.connection import STANZA_STARTS, Connection
from salut.xmpp.decode import Inbound
from salut.xmpp.disco import PING, Info, info_request, read_info
from salut.xmpp.errors import BusyError, Failure, OfflineError, StanzaError
from salut.xmpp.iqs import Kind, Pending, request_text
from salut.xmpp.log import Log
from salut.xmpp.receive import OnMessage, Receiver
from salut.xmpp.shared import Shared
from salut.xmpp.xmltext import escape, serialise

DISCOVERY_TIMEOUT = 10.0
ROSTER_VERSION = "{urn:xmpp:features:rosterver}ver"
T = TypeVar("T")

__all__ = ["Events", "Features", "Session", "Shared"]


def _ignore(_: object) -> None:
    """Nobody wants to know."""


class Features(msgspec.Struct, frozen=True):
    """What the server, our own account on it (PEP, archive, ...) and the stream can do."""

    server: Info = Info()
    account: Info = Info()
    stream: frozenset[str] = frozenset()


class Events(msgspec.Struct, frozen=True):
    """Whom to tell. All are called in the loop; what they raise is logged.

    ``state`` hears each new ``LinkState``.
    ``message(inbound)`` returns None when the message is dealt with, or an awaitable that ends when it is
    stored: until then it is not acknowledged to the server. Raising ``NotStoredError`` (at once or from the
    awaitable) drops the connection; after the resumption the message comes again.
    ``session(resumed)``: a session stands; a fresh one has its ``features`` known, and the server knows
    nothing of us any more (presence, rooms, carbons).
    ``acked(keys)``: the server has these stanzas. ``lost(keys)``: the session broke before the server said
    so; they may or may not have arrived.
    """

    state: Callable[[LinkState], object]
    message: OnMessage
    session: Callable[[bool], object] = _ignore
    acked: Callable[[list[str]], object] = _ignore
    lost: Callable[[list[str]], object] = _ignore


class Session:
    """One account's stream, over as many connections as it takes."""

    def __init__(
        self,
        config: SessionConfig,
        events: Events,
        *,
        owner: TaskOwner,
        log: Log,
        shared: Shared,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.config = config
        self.features = Features()
        self.resumed = False
        self.serial = 0  # of the session that stands, or stood last: counts those that were not resumed
        self.jid = config.jid
        self._events = events
        self._owner = owner
        self._log = log
        self._shared = shared
        self._pending = Pending()
        self._attempts = Attempts(shared.tls, shared.dns)
        self._connection = Connection(self, self._attempts, owner, log, clock or SystemClock(), jitter)
        context = shared.tls.context(verify=False)  # never used: slixmpp would make one of its own
        self.client = SalutClient(config.jid, context, owner, self.reply, self._plugin_failed)
        self._connection.receiver = Receiver(
            self, events.message, owner, log, shared.decoders, shared.iqs, self._pending
        )

    # ---- from above

    @property
    def state(self) -> LinkState:
        """The present state."""
        return self._connection.state

    @property
    def certificate(self) -> CertificateReport | None:
        """What is known of the certificate that was refused last, until a connection succeeds."""
        return self._attempts.certificate

    async def start(self) -> None:
        """Wish to be online; returns at once, ``events.state`` tells the rest."""
        self.client.init_plugins()  # type: ignore[no-untyped-call]  # slixmpp's own
        self._connection.start()

    async def stop(self) -> None:
        """Be offline: an attempt ends at once, a stream is closed by the book (3 seconds at most)."""
        await self._connection.stop()

    def reconfigure(self, config: SessionConfig) -> None:
        """Take a new configuration of the same account; reconnects when it matters for the connection."""
        if config.jid != self.config.jid:
            raise ValueError("a session keeps its account for life")
        old, self.config = self.config, config
        same = msgspec.structs.replace(config, priority=old.priority, password=old.password) == old
        harmless = same and config.password() == old.password()
        if not harmless or self.state.state == "refused":
            self._connection.reconfigure()

    def retry_now(self) -> None:
        """Wait no longer."""
        self._connection.connect_now()

    def send(self, xml: str | Element, *, track: str | None = None) -> None:
        """Send one stanza; ``track`` is named to ``events.acked`` or ``events.lost`` later.

        Text must be one well-formed stanza in the default namespace ``jabber:client``.
        Raises ``OfflineError`` or ``BusyError``, and nothing was sent; ``ValueError`` for what is no stanza
        or longer than ``config.max_stanza``.
        """
        text = xml if isinstance(xml, str) else serialise(xml)
        if not text.startswith(STANZA_STARTS):
            raise ValueError("not a stanza")
        if len(text) > self.config.max_stanza:
            raise ValueError(f"a stanza of more than {self.config.max_stanza} characters")
        self._connection.transmit(text, track)

    def send_nonza(self, xml: str) -> None:
        """Send an element that is no stanza (XEP-0360): neither counted nor repeated. Raises ``OfflineError``."""
        if not self._connection.online:
            raise OfflineError("not connected")
        self._connection.reply(xml)

    async def iq(self, kind: Kind, payload: Element | str, to: str = "", timeout: float = 30.0) -> Element:
        """Ask and wait for the result. Raises ``StanzaError``; ``not-connected`` and
        ``remote-server-timeout`` are our own conditions for no answer."""
        number, future = self._pending.add(to)
        try:
            self.send(request_text(kind, number, to, payload))
            async with asyncio.timeout(timeout):
                return await future
        except (OfflineError, BusyError) as error:
            raise StanzaError("not-connected", str(error), "wait") from None
        except TimeoutError:
            whom = to or "the server"
            problem = f"no answer from {whom} in {timeout:g} s"
            raise StanzaError("remote-server-timeout", problem, "wait") from None
        finally:
            self._pending.discard(number)

    async def disco_info(self, to: str, node: str = "", timeout: float = DISCOVERY_TIMEOUT) -> Info:
        """What ``to`` can do. Raises ``StanzaError``."""
        return read_info(next(iter(await self.iq("get", info_request(node), to, timeout)), None))

    def announce(self, show: str = "", status: str = "") -> None:
        """Broadcast our presence, with priority and capabilities. Raises as ``send`` does."""
        inner = "".join(f"<{n}>{escape(v)}</{n}>" for n, v in (("show", show), ("status", status)) if v)
        if self.config.priority:
            inner += f"<priority>{self.config.priority}</priority>"
        more = "".join(extra(self.config.jid) for extra in self._shared.presence)
        self.send(f"<presence>{inner}{self._shared.disco.caps()}{more}</presence>")

    def build_message(self, inbound: Inbound) -> Message:
        """The message as slixmpp's stanza object, for what one of slixmpp's plugins has to read."""
        return self.client.message(inbound.xml)

    # ---- what the receiver asks for (``receive.Stream``)

    def reply(self, text: str) -> None:
        """Send an answer if there is still somebody to get it."""
        self._connection.reply(text)

    def pause(self, paused: bool) -> None:
        """Stop reading, or go on."""
        self._connection.pause(paused)

    def cut(self, failure: Failure) -> None:
        """Drop the connection, to be resumed."""
        self._connection.cut(failure)

    def acknowledged(self, keys: list[str]) -> None:
        """The server has these."""
        self.acked(keys)

    def classic(self, element: Element) -> bool:
        """slixmpp's usual way."""
        return self.client.dispatch(element)

    # ---- what the connection tells (``connection.User``)

    def state_changed(self, state: LinkState) -> None:
        """Pass it on."""
        self._guard(self._events.state, state)

    def established(self, arrival: Arrival) -> None:
        """A stream stands."""
        result = arrival.established
        self.resumed = result.resumed
        if not result.resumed:
            self.serial += 1
            self._pending.fail("the session on which this was asked is over")
            self.jid = result.jid
        names = {"rosterver" if tag == ROSTER_VERSION else tag.rpartition("}")[2] for tag in result.stream}
        self.client.established(self.jid, result.resumed, names)
        if result.resumed:
            asyncio.get_running_loop().call_soon(self._guard, self._events.session, True)
        else:
            self._owner.spawn(self._discover(result.jid, result.stream), f"discover {result.jid}")

    def broken(self, failure: Failure, hopeless: bool) -> None:
        """The stream ended."""
        if hopeless:
            self._pending.fail(failure.reason)
        self.client.lost(failure.reason)

    def acked(self, keys: list[str]) -> None:
        """Pass it on."""
        self._guard(self._events.acked, keys)

    def lost(self, keys: list[str]) -> None:
        """Pass it on."""
        self._guard(self._events.lost, keys)

    def probe(self) -> None:
        """XEP-0199: any answer will do, an error too."""
        self._owner.spawn(self._ping(), f"ping {self.config.jid}")

    # ---- inside

    async def _ping(self) -> None:
        try:
            await self.iq("get", f"<ping xmlns='{PING}'/>", self.config.domain)
        except StanzaError as error:
            self._log.debug("ping", jid=self.jid, problem=str(error))

    async def _discover(self, jid: str, stream: frozenset[str]) -> None:
        """A server that does not say what it can do can, for us, do nothing; it may still be talked to."""
        server, account = await asyncio.gather(
            self._info(self.config.domain), self._info(jid.partition("/")[0])
        )
        if self._connection.online and jid == self.jid:
            self.features = Features(server, account, stream)
            self._guard(self._events.session, False)

    async def _info(self, to: str) -> Info:
        try:
            return await self.disco_info(to)
        except StanzaError as error:
            self._log.info("no capabilities", of=to, problem=str(error))
            return Info()

    def _plugin_failed(self, what: str, error: BaseException) -> None:
        self._log.error("slixmpp handler raised", handler=what, problem=repr(error))

    def _guard(self, callback: Callable[[T], object], value: T) -> None:
        try:
            callback(value)
        except Exception as error:  # noqa: BLE001 -- a fault above must not end the stream below; it is logged
            self._log.error("callback raised", callback=repr(callback), problem=repr(error))
