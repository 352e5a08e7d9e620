# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happens to each element of a live stream: count it, hand it over, acknowledge it when done."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final, Protocol
from xml.etree.ElementTree import Element

from salut.model.owner import TaskOwner
from salut.model.promise import Promise
from salut.xmpp.decode import CLIENT, MESSAGE, Decoders, Inbound
from salut.xmpp.errors import Failure, NotStoredError, StanzaError
from salut.xmpp.iqs import IQ, Answer, Handler, IqTable, Pending, Request, error_text, result_text
from salut.xmpp.log import Log
from salut.xmpp.sm import NS, CountError, Inbox, Management
from salut.xmpp.wire import Wire

PRESENCE: Final = f"{{{CLIENT}}}presence"
ACK: Final = f"{{{NS}}}a"
ASK: Final = f"{{{NS}}}r"
MOST_UNSTORED = 1000
"""Messages handed over and not done; with more the stream is read no further until half of them are."""
MOST_REQUESTS = 64
"""Requests of others that are being answered at one time."""
MOST_TRIES = 3
"""How often a message is tried whose handler has a bug; one that cannot be stored is tried for ever."""

OnMessage = Callable[[Inbound], Awaitable[object] | None]


class Stream(Protocol):
    """What the receiver needs of the session that it works for."""

    def reply(self, text: str) -> None:
        """Send if there is still a stream."""

    def pause(self, paused: bool) -> None:
        """Stop reading, or go on."""

    def cut(self, failure: Failure) -> None:
        """Drop the connection, to be resumed."""

    def acknowledged(self, keys: list[str]) -> None:
        """The server has these."""

    def classic(self, element: Element) -> bool:
        """Let slixmpp have a stanza; False when none of its handlers wanted it."""

    @property
    def jid(self) -> str:
        """Our bound address."""


class Receiver:
    """The road in. ``management`` is None while the stream counts nothing."""

    def __init__(
        self,
        stream: Stream,
        on_message: OnMessage,
        owner: TaskOwner,
        log: Log,
        decoders: Decoders,
        iqs: IqTable,
        pending: Pending,
    ) -> None:
        self._stream = stream
        self._on_message = on_message
        self._owner = owner
        self._log = log
        self._decoders = decoders
        self._iqs = iqs
        self._pending = pending
        self._unstored = 0
        self._requests = 0
        self._paused = False
        self._ack_due = False
        self.management: Management | None = None

    @property
    def paused(self) -> bool:
        """Whether reading is stopped because too much waits to be stored."""
        return self._paused

    def element(self, element: Element) -> None:
        """One top-level element of the live stream. Never raises for what the element holds."""
        tag = element.tag
        if tag == MESSAGE:
            self.message(element, self.management)
        elif tag in (IQ, PRESENCE):
            if self.management is None or self.management.inbox.receive()[1]:
                self.stanza(element)
        elif tag == ASK:
            if self.management is not None:
                self._stream.reply(f"<a xmlns='{NS}' h='{self.management.inbox.asked()}'/>")
        elif tag == ACK:
            self._acknowledged(element)
        else:
            self._log.debug("element ignored", tag=tag)

    def early(self, element: Element) -> None:
        """A stanza that came before the stream counted any."""
        if element.tag == MESSAGE:
            self.message(element, None)
        else:
            self.stanza(element)

    def farewell(self, wire: Wire, management: Management, drained: Callable[[], None]) -> None:
        """The stream is being closed: only acknowledgements still mean something on it."""

        def sink(element: Element) -> None:
            if element.tag == ACK:
                self._credit(element, management)
                if not len(management.outbox):
                    drained()

        wire.go_live(sink, lambda _: drained(), lambda: None)

    def stanza(self, element: Element) -> None:
        """A presence or an iq."""
        kind = element.get("type")  # slixmpp, where it finds an error inside, makes the stanza itself one
        try:
            if element.tag == IQ and self._iq(element):
                return
            if self._stream.classic(element):
                return
        except Exception as error:  # noqa: BLE001 -- a stanza from outside must not end the stream; logged, answered
            self._log.error("stanza failed", id=element.get("id"), tag=element.tag, problem=repr(error))
        self._refuse(element, kind)

    def message(self, element: Element, management: Management | None) -> None:
        """A message: decode, hand over, and remember what is not done yet."""
        inbox, number = None, 0
        if management is not None:
            inbox = management.inbox
            number, fresh = inbox.receive()
            if not fresh:
                return
        inbound = self._decoders.decode(element)
        inbound.n = number
        if not inbound.from_:
            inbound.from_ = self._stream.jid.partition("/")[0]
        if inbound.faults:
            self._log.warning(
                "message with faults", id=inbound.id, sender=inbound.from_, faults=inbound.faults
            )
        if self._decoders.is_classic(element):
            self.stanza(element)
        try:
            result = self._on_message(inbound)
        except Exception as error:  # noqa: BLE001 -- see _failed: logged, and not acknowledged
            if inbox is not None:
                inbox.hold(number)
            self._failed(inbox, number, inbound, error)
            return
        if result is not None:
            self._wait(inbox, number, inbound, result)
        elif inbox is not None and inbox.unfinished:  # it may have failed before
            inbox.done(number)
            self._owe()

    # ---- messages that need time

    def _wait(self, inbox: Inbox | None, number: int, inbound: Inbound, result: Awaitable[object]) -> None:
        if inbox is not None:
            inbox.hold(number)
        self._unstored += 1
        if self._unstored >= MOST_UNSTORED and not self._paused:
            self._paused = True
            self._stream.pause(True)
        if isinstance(result, Promise):
            result.then(lambda end: self._finish(inbox, number, inbound, end.error))
            return
        if isinstance(result, asyncio.Future):
            result.add_done_callback(lambda future: self._settled(inbox, number, inbound, future))
            return
        assert inspect.isawaitable(result)
        task = self._owner.spawn(self._follow(inbox, number, inbound, result), f"message {inbound.id}")
        if inspect.iscoroutine(result):  # ended before its first step, the task has not begun to await it
            task.add_done_callback(lambda _: result.close())

    async def _follow(
        self, inbox: Inbox | None, number: int, inbound: Inbound, result: Awaitable[object]
    ) -> None:
        problem: BaseException | None = None
        try:
            await result
        except asyncio.CancelledError as error:
            problem = error
            raise
        except Exception as error:  # noqa: BLE001 -- see _failed: logged, and not acknowledged
            problem = error
        finally:
            self._finish(inbox, number, inbound, problem)

    def _settled(
        self, inbox: Inbox | None, number: int, inbound: Inbound, future: asyncio.Future[object]
    ) -> None:
        problem = asyncio.CancelledError() if future.cancelled() else future.exception()
        self._finish(inbox, number, inbound, problem)

    def _finish(
        self, inbox: Inbox | None, number: int, inbound: Inbound, problem: BaseException | None
    ) -> None:
        self._unstored -= 1
        if self._paused and self._unstored <= MOST_UNSTORED // 2:
            self._paused = False
            self._stream.pause(False)
        if problem is None:
            if inbox is not None:
                inbox.done(number)
                self._owe()
        elif not isinstance(
            problem, asyncio.CancelledError
        ):  # cancelled: we are ending, nothing is acknowledged
            self._failed(inbox, number, inbound, problem)

    def _failed(self, inbox: Inbox | None, number: int, inbound: Inbound, problem: BaseException) -> None:
        tries = inbox.failed(number) if inbox is not None else MOST_TRIES
        known = isinstance(problem, NotStoredError)
        self._log.error(
            "message not stored" if known else "message handler raised",
            id=inbound.id,
            sender=inbound.from_,
            tries=tries,
            problem=str(problem) if known else repr(problem),
        )
        if inbox is None:
            return
        if not known and tries >= MOST_TRIES:
            inbox.done(number)
            self._owe()
        elif self.management is not None and self.management.inbox is inbox:
            self._stream.cut(Failure("not-stored", f"a message could not be stored: {problem}"))

    def _owe(self) -> None:
        """The watermark may have moved: say so once in this loop turn, if the server waits for it."""
        if not self._ack_due:
            self._ack_due = True
            asyncio.get_running_loop().call_soon(self._pay)

    def _pay(self) -> None:
        self._ack_due = False
        if self.management is not None and (h := self.management.inbox.owed()) is not None:
            self._stream.reply(f"<a xmlns='{NS}' h='{h}'/>")

    def _acknowledged(self, element: Element) -> None:
        if self.management is None:
            return
        try:
            self._credit(element, self.management)
        except CountError as error:
            self.management.resumption = ""  # the two counts can never meet again
            self._stream.cut(Failure("handled-count-too-high", str(error)))
            return
        if len(self.management.outbox):
            self._stream.reply("")  # a flush, which asks for the rest

    def _credit(self, element: Element, management: Management) -> None:
        h = element.get("h", "")
        if not (h.isascii() and h.isdigit()) or len(h) > 10:
            self._log.warning("acknowledgement without sense", h=h[:20])
        elif keys := management.outbox.acknowledged(int(h)):
            self._stream.acknowledged(keys)

    # ---- requests

    def _iq(self, iq: Element) -> bool:
        kind = iq.get("type")
        if kind not in ("get", "set"):
            return self._pending.answer(iq, self._stream.jid)
        payload = next(iter(iq), None)
        handler = None if payload is None else self._iqs.find(kind, payload.tag)
        if handler is None or payload is None:
            return False
        kind_: str = kind
        request = Request(
            "get" if kind_ == "get" else "set",
            iq.get("from", ""),
            iq.get("to", ""),
            iq.get("id", ""),
            payload,
            self._stream.jid,
        )
        self._ask(handler, request)
        return True

    def _ask(self, handler: Handler, request: Request) -> None:
        try:
            answer = handler(request)
        except Exception as error:  # noqa: BLE001 -- answered and logged in _answer
            self._answer(request, None, error)
            return
        if not inspect.isawaitable(answer):
            self._answer(request, answer, None)
        elif self._requests >= MOST_REQUESTS:
            if inspect.iscoroutine(answer):
                answer.close()
            self._answer(
                request, None, StanzaError("resource-constraint", "too many requests at once", "wait")
            )
        else:
            self._owner.spawn(self._ask_later(request, answer), f"iq {request.id}")

    async def _ask_later(self, request: Request, answer: Awaitable[Answer]) -> None:
        self._requests += 1
        try:
            self._answer(request, await answer, None)
        except Exception as error:  # noqa: BLE001 -- answered and logged in _answer
            self._answer(request, None, error)
        finally:
            self._requests -= 1

    def _answer(self, request: Request, answer: Answer, problem: Exception | None) -> None:
        if problem is None:
            self._stream.reply(result_text(request, answer))
            return
        if not isinstance(problem, StanzaError):
            self._log.error(
                "request handler raised", id=request.id, payload=request.payload.tag, problem=repr(problem)
            )
            problem = StanzaError("internal-server-error", "", "wait")
        self._stream.reply(error_text("iq", request.id, request.from_, problem))

    def _refuse(self, element: Element, kind: str | None) -> None:
        """RFC 6120 section 8.2.3: each request is answered."""
        if element.tag == IQ and kind in ("get", "set"):
            problem = StanzaError("service-unavailable")
            self._stream.reply(error_text("iq", element.get("id", ""), element.get("from", ""), problem))
