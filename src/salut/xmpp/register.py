# SPDX-License-Identifier: AGPL-3.0-or-later
"""Making an account before there is one: a stream without a login, on it the server's form (XEP-0077).

With an invitation, its token goes first (XEP-0445). Only ever over TLS with the domain's certificate: what opens
the stream refuses to go on without, and a password crosses it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from xml.etree.ElementTree import Element

import msgspec

from salut.model.form import Field, FieldKind, Form
from salut.xmpp.config import SessionConfig
from salut.xmpp.decode import error as read_error
from salut.xmpp.errors import Failure, LinkFailureError, StanzaError, fail
from salut.xmpp.forms import find_form, submit
from salut.xmpp.iqs import ERROR, IQ, Kind, request_text
from salut.xmpp.opening import GREETING_TIMEOUT, open_wire
from salut.xmpp.resolve import Dns, Endpoint, endpoints
from salut.xmpp.tls import SharedTls
from salut.xmpp.xmltext import attributes, escape

REGISTER: Final = "jabber:iq:register"
FEATURE: Final = "{http://jabber.org/features/iq-register}register"
INVITED: Final = "{urn:xmpp:ibr-token:0}register"
PREAUTH: Final = "urn:xmpp:pars:0"
BOB: Final = "{urn:xmpp:bob}data"
OOB: Final = "{jabber:x:oob}x/{jabber:x:oob}url"
ANSWER_SECONDS: Final = 30.0
MOST_BETWEEN: Final = 50
"""Elements that may come while we wait for an answer."""
MOST_MEDIA: Final = 8
MAX_MEDIA: Final = 256 * 1024  # bytes of one picture or sound
MAX_TEXT: Final = 10_000
LEGACY: Final[dict[str, FieldKind]] = {
    "username": "text-single", "nick": "text-single", "password": "text-private", "name": "text-single",
    "first": "text-single", "last": "text-single", "email": "text-single", "address": "text-single",
    "city": "text-single", "state": "text-single", "zip": "text-single", "phone": "text-single",
    "url": "text-single", "date": "text-single",
}  # fmt: skip
"""XEP-0077 section 14.1: the fields that need no data form, and how they are asked for."""


class Media(msgspec.Struct, frozen=True):
    """A picture or sound that came with the form (XEP-0231). ``uri`` is how the form's field names it."""

    uri: str
    type: str
    data: bytes


class RegistrationForm(msgspec.Struct, frozen=True):
    """What a server asks of those who want an account.

    ``legacy``: there is no data form; the plain fields are shown as one. ``url``: where to go instead (XEP-0066).
    ``registered``: an account of this stream's exists already (only after a login).
    """

    form: Form
    legacy: bool = False
    registered: bool = False
    url: str = ""
    media: tuple[Media, ...] = ()


class StreamWire(Protocol):
    """What a registration needs of a wire; see ``wire.Wire``."""

    async def restart(self, domain: str) -> Element: ...
    async def next(self) -> Element: ...
    def write(self, text: str) -> None: ...
    def abort(self) -> None: ...
    @property
    def ended(self) -> Failure | None: ...


def read_query(query: Element) -> RegistrationForm:
    """The ``<query/>`` of jabber:iq:register as a form, from its data form if it has one (section 4)."""
    form = find_form(query)
    instructions = (query.findtext(f"{{{REGISTER}}}instructions") or "").strip()[:MAX_TEXT]
    legacy = form is None
    if form is None:
        fields = [
            Field(
                name=name,
                kind=kind,
                required=True,
                values=[value] if (value := (query.findtext(f"{{{REGISTER}}}{name}") or "")[:1000]) else [],
            )
            for name, kind in LEGACY.items()
            if query.find(f"{{{REGISTER}}}{name}") is not None
        ]
        form = Form(instructions=instructions, fields=fields)
    return RegistrationForm(
        form=form,
        legacy=legacy,
        registered=query.find(f"{{{REGISTER}}}registered") is not None,
        url=(query.findtext(OOB) or "").strip()[:2000],
        media=tuple(_media(query)),
    )


def _media(query: Element) -> list[Media]:
    """Bits of binary whose data is what their address says (XEP-0231 section 2.1)."""
    found = []
    for data in query.findall(BOB)[:MOST_MEDIA]:
        cid, text = data.get("cid", ""), "".join((data.text or "").split())
        algorithm, _plus, digest = cid.partition("@")[0].partition("+")
        if len(text) > MAX_MEDIA * 4 // 3 + 4 or algorithm not in ("sha1", "sha-1", "sha256", "sha-256"):
            continue
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if hashlib.new(algorithm.replace("-", ""), raw).hexdigest() == digest.lower():
            found.append(Media(f"cid:{cid}", data.get("type", "")[:100], raw))
    return found


def answer_xml(asked: RegistrationForm, answers: Mapping[str, Sequence[str]]) -> str:
    """The ``<query/>`` that answers: as a data form where one was asked, else as plain fields."""
    if not asked.legacy:
        return f"<query xmlns='{REGISTER}'>{submit(answers, asked.form.type or REGISTER)}</query>"
    inner = "".join(
        f"<{name}>{escape(values[0] if values else '')}</{name}>"
        for name, values in answers.items()
        if name in LEGACY
    )
    return f"<query xmlns='{REGISTER}'>{inner}</query>"


class Registration:
    """A stream on which an account can be made. ``close`` it at the end."""

    def __init__(self, wire: StreamWire, features: Element, domain: str) -> None:
        self._wire = wire
        self._domain = domain
        self._count = 0
        self._lock = asyncio.Lock()
        self.by_token = features.find(INVITED) is not None
        self.open = features.find(FEATURE) is not None
        self.asked: RegistrationForm | None = None

    @property
    def alive(self) -> bool:
        """Whether the stream still stands."""
        return self._wire.ended is None

    async def present(self, token: str) -> None:
        """Show the token of an invitation. ``StanzaError`` where the server does not know or want it."""
        if not self.by_token:
            raise StanzaError("feature-not-implemented", "the server takes no invitations")
        await self._ask("set", f"<preauth xmlns='{PREAUTH}'{attributes(token=token)}/>")

    async def ask(self) -> RegistrationForm:
        """The server's form."""
        answer = await self._ask("get", f"<query xmlns='{REGISTER}'/>")
        query = answer.find(f"{{{REGISTER}}}query")
        if query is None:
            raise StanzaError("undefined-condition", "the answer holds no form")
        self.asked = read_query(query)
        return self.asked

    async def answer(self, answers: Mapping[str, Sequence[str]]) -> None:
        """Send the form back. When this returns, the account exists. ``StanzaError`` where the server says no;
        ``LinkFailureError`` where it hung up: the account may then exist or not."""
        assert self.asked is not None
        await self._ask("set", answer_xml(self.asked, answers))

    def close(self) -> None:
        """Leave."""
        self._wire.abort()

    async def _ask(self, kind: Kind, payload: str) -> Element:
        async with self._lock:
            self._count += 1
            number = f"register{self._count}"
            self._wire.write(request_text(kind, number, self._domain, payload))
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await self._answer(number)
            except TimeoutError:
                self._wire.abort()
                raise fail("timeout", f"no answer from {self._domain} in {ANSWER_SECONDS:g} s") from None

    async def _answer(self, number: str) -> Element:
        for _ in range(MOST_BETWEEN):
            element = await self._wire.next()
            if element.tag != IQ or element.get("id") != number:
                continue
            if element.get("type") == "result":
                return element
            child = element.find(ERROR)
            raise read_error(child) if child is not None else StanzaError("undefined-condition")
        self._wire.abort()
        raise fail("policy-violation", "the server talks too much before it answers")


async def open_registration(config: SessionConfig, tls: SharedTls, dns: Dns) -> Registration:
    """Open a stream to the domain of ``config`` (its user and password play no part). ``LinkFailureError``."""
    worst: Failure | None = None
    for place in await endpoints(config, dns):
        try:
            return await _open(place, config, tls)
        except LinkFailureError as error:
            if worst is None or (error.failure.fatal and not worst.fatal):
                worst = error.failure
    raise LinkFailureError(worst or Failure("no-service", f"{config.domain} has no address to try"))


async def _open(place: Endpoint, config: SessionConfig, tls: SharedTls) -> Registration:
    wire, features = await open_wire(place, config, tls)
    try:
        if wire.transport.get_extra_info("ssl_object") is None:
            raise fail(
                "encryption-required", f"{place} offers no encryption; nothing was sent to it", fatal=True
            )
        if features is None:
            async with asyncio.timeout(GREETING_TIMEOUT):
                features = await wire.restart(config.domain)
    except TimeoutError:
        wire.abort()
        raise fail("not-xmpp", f"{place} does not answer as an XMPP server") from None
    except BaseException:
        wire.abort()
        raise
    return Registration(wire, features, config.domain)
