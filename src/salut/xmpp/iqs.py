# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests (iq): the ones we send and wait for, and a light table for the ones we answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, Literal
from xml.etree.ElementTree import Element

import msgspec

from salut.xmpp.decode import CLIENT, STANZAS
from salut.xmpp.decode import error as read_error
from salut.xmpp.errors import StanzaError
from salut.xmpp.parser import REFUSED
from salut.xmpp.xmltext import attributes, escape, serialise

IQ: Final = f"{{{CLIENT}}}iq"
ERROR: Final = f"{{{CLIENT}}}error"
MOST_PENDING = 1000
"""Requests of ours that may wait for an answer at one time."""

Kind = Literal["get", "set"]
Answer = Element | str | None
"""The child of the result: an element, or XML text, or nothing."""


class Request(msgspec.Struct, frozen=True):
    """A request from elsewhere. ``from_`` is empty when the server, or our own account, asks.

    ``own`` is the full address of the session that it came to, whatever ``to`` says.
    """

    kind: Kind
    from_: str
    to: str
    id: str
    payload: Element
    own: str = ""


def from_own_account(request: Request) -> bool:
    """Whether the session's own server sent a request for our account: pushes of rosters and block lists are believed
    from nobody else (RFC 6121 section 2.1.6). Then it has no sender, or our bare address."""
    return not request.from_ or request.from_.lower() == request.own.partition("/")[0].lower()


Handler = Callable[[Request], Answer | Awaitable[Answer]]
"""Answers a request, or raises ``StanzaError``."""


class IqTable:
    """``{namespace}name`` of the payload -> handler; one table may serve several sessions."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], Handler] = {}

    def add(self, kind: Kind, tag: str, handler: Handler) -> None:
        """Answer requests of this kind with this payload. Raises ``ValueError`` when somebody else does."""
        if (kind, tag) in self._handlers:
            raise ValueError(f"two handlers for {kind} {tag}")
        self._handlers[kind, tag] = handler

    def remove(self, kind: Kind, tag: str) -> None:
        """Stop answering."""
        self._handlers.pop((kind, tag), None)

    def find(self, kind: str, tag: str) -> Handler | None:
        """The handler, if any."""
        return self._handlers.get((kind, tag))


class Pending:
    """Requests of ours that wait for their answer, by id; the answer must come from whom we asked."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[str, asyncio.Future[Element]]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, to: str) -> tuple[str, asyncio.Future[Element]]:
        """A fresh id and the future of its answer."""
        if len(self._waiting) >= MOST_PENDING:
            raise StanzaError(
                "resource-constraint", f"{MOST_PENDING} requests wait for their answers", "wait"
            )
        number = secrets.token_hex(8)
        future: asyncio.Future[Element] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (to, future)
        return number, future

    def discard(self, number: str) -> None:
        """Nobody waits for it any more."""
        self._waiting.pop(number, None)

    def answer(self, iq: Element, own: str) -> bool:
        """Take a result or an error. True if it was for one of ours. ``own`` is our full address."""
        waiting = self._waiting.get(iq.get("id", ""))
        if waiting is None:
            return False
        to, future = waiting
        if not _may_answer(iq.get("from", ""), to, own):
            return False
        if not future.done():
            if (refused := iq.find(REFUSED)) is not None:
                future.set_exception(StanzaError("policy-violation", f"the answer is {refused.text}"))
            elif iq.get("type") == "error":
                child = iq.find(ERROR)
                future.set_exception(
                    read_error(child) if child is not None else StanzaError("undefined-condition")
                )
            else:
                future.set_result(iq)
        return True

    def fail(self, problem: str) -> None:
        """No answer can come any more."""
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(StanzaError("not-connected", problem, "wait"))
        self._waiting.clear()


def _may_answer(from_: str, to: str, own: str) -> bool:
    """Addresses compare without regard to case but for the resource: servers lower the case of ours."""
    bare = own.partition("/")[0]
    if not to or _fold(to) == _fold(bare):
        return not from_ or _fold(from_) in (_fold(bare), _fold(own), bare.rpartition("@")[2].lower())
    return _fold(from_) == _fold(to)


def _fold(jid: str) -> str:
    bare, slash, resource = jid.partition("/")
    return bare.casefold() + slash + resource


def request_text(kind: Kind, number: str, to: str, payload: Element | str) -> str:
    """The stanza of a request."""
    inner = payload if isinstance(payload, str) else serialise(payload)
    return f"<iq type='{kind}'{attributes(id=number, to=to)}>{inner}</iq>"


def result_text(request: Request, answer: Answer) -> str:
    """The stanza of a result."""
    head = f"<iq type='result'{attributes(id=request.id, to=request.from_)}"
    if answer is None:
        return head + "/>"
    return f"{head}>{answer if isinstance(answer, str) else serialise(answer)}</iq>"


def error_text(name: str, number: str, to: str, problem: StanzaError) -> str:
    """The stanza ``name`` (iq or message) of an error."""
    words = f"<text xmlns='{STANZAS}'>{escape(problem.text)}</text>" if problem.text else ""
    condition = escape(problem.condition)
    return (
        f"<{name} type='error'{attributes(id=number, to=to)}><error type='{escape(problem.type)}'>"
        f"<{condition} xmlns='{STANZAS}'/>{words}</error></{name}>"
    )
