# SPDX-License-Identifier: AGPL-3.0-or-later
"""From an encrypted wire to a session: SASL, then resumption (XEP-0198), or binding and enabling.

One straight coroutine over a small wire, so that a test can play the server as a transcript.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Final, Protocol
from xml.etree.ElementTree import Element

import msgspec

from salut.xmpp.config import SessionConfig
from salut.xmpp.errors import LinkFailureError, fail
from salut.xmpp.iqs import IQ
from salut.xmpp.saslprep import saslprep
from salut.xmpp.scram import HASHES, Request, Scram
from salut.xmpp.sm import NS as SM
from salut.xmpp.xmltext import attributes, escape

SASL: Final = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND: Final = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION: Final = "urn:ietf:params:xml:ns:xmpp-session"
RETRY_SASL: Final = frozenset({"temporary-auth-failure", "aborted"})
MOST_EARLY = 100

Derive = Callable[[Request], Awaitable[bytes]]


class NegotiationWire(Protocol):
    """What negotiation needs of a wire; see ``wire.Wire``."""

    async def restart(self, domain: str) -> Element: ...
    async def next(self) -> Element: ...
    def write(self, text: str) -> None: ...


class Resume(msgspec.Struct, frozen=True):
    """The session to take up again: its id and what we have of it."""

    id: str
    h: int


class Established(msgspec.Struct):
    """How it ended.

    ``jid`` is empty when ``resumed``. ``peer_h``: what the server has of our stanzas, if it says so.
    ``resumption``: the id for later, empty when the server keeps no sessions; ``managed``: acknowledgements
    are on. ``stream``: the tags of the stream's features. ``early``: stanzas that came before it stood.
    """

    jid: str
    resumed: bool
    peer_h: int | None
    managed: bool
    resumption: str
    stream: frozenset[str]
    early: list[Element]


async def negotiate(
    wire: NegotiationWire,
    features: Element | None,
    config: SessionConfig,
    *,
    encrypted: bool,
    derive: Derive,
    resume: Resume | None = None,
) -> Established:
    """Authenticate and establish a session. Raises ``LinkFailureError``."""
    if features is None:
        features = await wire.restart(config.domain)
    await _authenticate(wire, features, config, encrypted, derive)
    features = await wire.restart(config.domain)
    result = Established("", False, None, False, "", frozenset(child.tag for child in features), [])
    if resume is not None and f"{{{SM}}}sm" in result.stream:
        await _resume(wire, resume, result)
        if result.resumed:
            return result
    await _bind(wire, features, config, result)
    if f"{{{SM}}}sm" in result.stream:
        await _enable(wire, result)
    return result


def choose(offered: list[str], encrypted: bool) -> str:
    """The strongest mechanism that both sides know. PLAIN only where the stream is encrypted."""
    for mechanism in HASHES:
        if mechanism in offered:
            return mechanism
    if "PLAIN" in offered and encrypted:
        return "PLAIN"
    listed = ", ".join(sorted(offered)[:10]) or "none"
    raise fail(
        "no-mechanism", f"the server offers no way to log in that we use (it offers: {listed})", fatal=True
    )


async def _authenticate(
    wire: NegotiationWire, features: Element, config: SessionConfig, encrypted: bool, derive: Derive
) -> None:
    offered = [m.text or "" for m in features.findall(f"{{{SASL}}}mechanisms/{{{SASL}}}mechanism")]
    mechanism = choose(offered, encrypted)
    try:
        if mechanism == "PLAIN":
            secret = f"\0{saslprep(config.user)}\0{saslprep(config.password())}"
            _send(wire, "auth", secret.encode(), mechanism)
            await _answer(wire, "success")
            return
        await _scram(wire, Scram(mechanism, config.user), mechanism, derive)
    except ValueError as error:  # saslprep
        raise fail("bad-password", str(error), fatal=True) from None


async def _scram(wire: NegotiationWire, scram: Scram, mechanism: str, derive: Derive) -> None:
    _send(wire, "auth", scram.first(), mechanism)
    _, data = await _answer(wire, "challenge")
    salted = await derive(scram.challenge(data))
    _send(wire, "response", scram.final(salted))
    name, data = await _answer(wire, "success", "challenge")
    scram.verify(data)
    if name == "challenge":  # the server's proof may also come as a last question
        _send(wire, "response", b"")
        await _answer(wire, "success")


def _send(wire: NegotiationWire, name: str, data: bytes, mechanism: str = "") -> None:
    text = base64.b64encode(data).decode() if data else ""
    wire.write(f"<{name} xmlns='{SASL}'{attributes(mechanism=mechanism)}>{text}</{name}>")


async def _answer(wire: NegotiationWire, *expected: str) -> tuple[str, bytes]:
    element = await wire.next()
    namespace, _, name = element.tag[1:].partition("}")
    if namespace == SASL and name == "failure":
        raise _sasl_failure(element)
    if namespace != SASL or name not in expected:
        raise fail("bad-protocol", f"the server answered {name} where {' or '.join(expected)} is due")
    text = (element.text or "").strip()
    try:
        return name, b"" if text in ("", "=") else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise fail("bad-protocol", "the server's login answer is not base64") from None


def _sasl_failure(element: Element) -> LinkFailureError:
    names = [child.tag.partition("}")[2] for child in element]
    condition = next((name for name in names if name != "text"), "not-authorized")
    words = (element.findtext(f"{{{SASL}}}text") or "")[:500]
    known = {
        "not-authorized": "the server does not accept this name and password",
        "account-disabled": "the server has disabled this account",
        "credentials-expired": "the password has expired",
        "temporary-auth-failure": "the server cannot check passwords just now",
    }
    reason = known.get(condition, f"the login failed: {condition}")
    return fail(condition, f"{reason} ({words})" if words else reason, fatal=condition not in RETRY_SASL)


async def _resume(wire: NegotiationWire, resume: Resume, result: Established) -> None:
    wire.write(f"<resume xmlns='{SM}' h='{resume.h}' previd='{escape(resume.id)}'/>")
    element = await _until(wire, result, f"{{{SM}}}resumed", f"{{{SM}}}failed")
    result.peer_h = _number(element.get("h"))
    if element.tag == f"{{{SM}}}resumed":
        if element.get("previd") != resume.id or result.peer_h is None:
            raise fail("bad-protocol", "the server resumed another session than ours")
        result.resumed = result.managed = True
        result.resumption = resume.id


async def _bind(wire: NegotiationWire, features: Element, config: SessionConfig, result: Established) -> None:
    inner = f"<resource>{escape(config.resource)}</resource>" if config.resource else ""
    wire.write(f"<iq type='set' id='bind'><bind xmlns='{BIND}'>{inner}</bind></iq>")
    answer = await _result(wire, result, "bind", "the server did not open a session for us")
    jid = answer.findtext(f"{{{BIND}}}bind/{{{BIND}}}jid") or ""
    bare, _, resource = jid.partition("/")
    if "@" not in bare or not resource or len(jid) > 3071:
        raise fail("bad-protocol", "the server bound no usable address")
    result.jid = jid
    legacy = features.find(f"{{{SESSION}}}session")
    if legacy is not None and legacy.find(f"{{{SESSION}}}optional") is None:
        wire.write(f"<iq type='set' id='session'><session xmlns='{SESSION}'/></iq>")
        await _result(wire, result, "session", "the server did not open a session for us")


async def _enable(wire: NegotiationWire, result: Established) -> None:
    wire.write(f"<enable xmlns='{SM}' resume='true'/>")
    element = await _until(wire, result, f"{{{SM}}}enabled", f"{{{SM}}}failed")
    if element.tag == f"{{{SM}}}enabled":
        result.managed = True
        if element.get("resume") in ("true", "1"):
            result.resumption = element.get("id", "")


async def _result(wire: NegotiationWire, result: Established, number: str, what: str) -> Element:
    while True:
        element = await _until(wire, result, IQ, number=number)
        if element.get("type") == "result":
            return element
        child = element.find("{jabber:client}error")
        condition = child[0].tag.partition("}")[2] if child is not None and len(child) else "error"
        raise fail(condition, f"{what}: {condition}", fatal=condition in ("not-allowed", "conflict"))


async def _until(wire: NegotiationWire, result: Established, *tags: str, number: str = "") -> Element:
    """The next element with one of ``tags``; stanzas that come in between are kept for later."""
    while True:
        element = await wire.next()
        if element.tag in tags and (not number or element.get("id") == number):
            return element
        if len(result.early) >= MOST_EARLY:
            raise fail("policy-violation", "the server talks too much before the session stands")
        result.early.append(element)


def _number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 10:
        return None
    return int(text) % 2**32


async def derive_in_thread(request: Request, password: Callable[[], str]) -> bytes:
    """PBKDF2 off the loop, in the loop's shared thread pool."""
    return await asyncio.to_thread(lambda: request.derive(password()))
