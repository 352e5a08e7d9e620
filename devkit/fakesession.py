# SPDX-License-Identifier: AGPL-3.0-or-later
"""The server's half of one client stream, without I/O: as much as a client needs to come online."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from devkit.fakecrowd import MUC, Crowd

_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
_SM = "urn:xmpp:sm:3"
_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
_INFO = "http://jabber.org/protocol/disco#info"
_MAM = "urn:xmpp:mam:2"
_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
_ITERATIONS = 4096
_READ_LIMIT = 1 << 20  # a client that sends a larger first-level element is broken
_STREAM = "{http://etherx.jabber.org/streams}stream"

DEFAULT_FEATURES = (
    _INFO, "http://jabber.org/protocol/disco#items", "urn:xmpp:ping", "urn:xmpp:carbons:2",
)  # fmt: skip


class ClientError(Exception):
    """The client did something that a stream to this server never needs."""


@dataclass(frozen=True, slots=True)
class FakeAccount:
    """The one account, its roster, and what disco says of the server and the account."""

    user: str = "user"
    domain: str = "localhost"
    password: str = "secret"
    features: tuple[str, ...] = DEFAULT_FEATURES
    contacts: tuple[str, ...] = ()
    crowd: Crowd = field(default_factory=Crowd)

    @property
    def jid(self) -> str:
        return f"{self.user}@{self.domain}"


class Scram:
    """Server side of SCRAM-SHA-1 (RFC 5802) without channel binding."""

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self._salt = secrets.token_bytes(16)
        self._bare = self._challenge = ""

    def challenge(self, first: str) -> str:
        """The server's first message. Raises ``ClientError``."""
        fields = first.split(",", 2)
        if len(fields) < 3 or fields[0] not in {"n", "y"} or ",r=" not in fields[2]:
            raise ClientError("malformed SCRAM message")
        self._bare = fields[2]
        nonce = self._bare.partition(",r=")[2].partition(",")[0] + secrets.token_urlsafe(12)
        self._challenge = f"r={nonce},s={base64.b64encode(self._salt).decode()},i={_ITERATIONS}"
        return self._challenge

    def finish(self, final: str) -> str | None:
        """The server's signature, or None if the password is wrong. Raises ``ClientError``."""
        without_proof, marker, proof = final.rpartition(",p=")
        nonce = self._challenge.partition(",")[0]
        if not marker or f",{nonce}" not in without_proof:
            raise ClientError("malformed SCRAM message")
        salted = hashlib.pbkdf2_hmac("sha1", self._account.password.encode(), self._salt, _ITERATIONS)
        key = hmac.digest(salted, b"Client Key", "sha1")
        text = f"{self._bare},{self._challenge},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha1(key).digest(), text, "sha1")
        expected = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        if not hmac.compare_digest(base64.b64decode(proof), expected):
            return None
        server_key = hmac.digest(salted, b"Server Key", "sha1")
        return base64.b64encode(hmac.digest(server_key, text, "sha1")).decode()


class FakeSession:
    """Feed it what the client sends; it returns what to answer.

    ``online`` becomes true with the client's first presence. ``acked`` is the last ``h`` that the client
    sent (XEP-0198), ``sent`` the stanzas sent since it enabled stream management,
    ``messages`` the message stanzas received, ``answered`` the id of the last answer to a question of ours.
    """

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self._scram = Scram(account)
        self._authenticated = False
        self._resource = ""
        self.online = self.managed = False
        self.answered = ""
        self.acked = self.sent = self.messages = 0
        self._received = 0
        self._restart()

    @property
    def full_jid(self) -> str:
        return f"{self._account.jid}/{self._resource}"

    def _restart(self) -> None:
        self._parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(["start", "end"])
        self._depth = 0
        self._root: ET.Element | None = None
        self._pending = 0

    def receive(self, data: bytes) -> bytes:
        """Answer to ``data``. Raises ``ClientError`` when the client ends the stream or breaks it."""
        self._pending += len(data)
        if self._pending > _READ_LIMIT:
            raise ClientError("element too large")
        out: list[str] = []
        try:
            self._parser.feed(data)
            parser = self._parser
            for item in parser.read_events():
                event, element = cast("tuple[str, ET.Element]", item)
                out.append(self._event(event, element))
                if parser is not self._parser:  # the stream began anew after SASL
                    break
        except ET.ParseError as error:
            raise ClientError(f"not well-formed: {error}") from error
        return "".join(out).encode()

    def _event(self, event: str, element: ET.Element) -> str:
        if event == "start":
            self._depth += 1
            if self._depth > 1:
                return ""
            if element.tag != _STREAM:
                raise ClientError(f"unexpected root {element.tag}")
            self._root = element
            return self._open()
        self._depth -= 1
        if self._depth == 0:
            raise ClientError("end of stream")
        if self._depth > 1 or self._root is None:
            return ""
        self._root.clear()
        self._pending = 0
        return self._element(element)

    def _open(self) -> str:
        if self._authenticated:
            features = f"<bind xmlns='{_BIND}'/><sm xmlns='{_SM}'/>"
        else:
            names = "".join(f"<mechanism>{name}</mechanism>" for name in ("SCRAM-SHA-1", "PLAIN"))
            features = f"<mechanisms xmlns='{_SASL}'>{names}</mechanisms>"
        return (
            f"<?xml version='1.0'?><stream:stream id='{secrets.token_hex(8)}' version='1.0' "
            f"from={quoteattr(self._account.domain)} xmlns='jabber:client' "
            f"xmlns:stream='http://etherx.jabber.org/streams'><stream:features>{features}</stream:features>"
        )

    def _element(self, element: ET.Element) -> str:
        namespace, _, name = element.tag[1:].partition("}")
        if namespace == _SASL:
            return self._sasl(name, element)
        if not self._authenticated:
            raise ClientError(f"{name} before authentication")
        if namespace == _SM:
            return self._management(name, element)
        self._received += 1
        if name == "iq":
            answer = self._iq(element)
            self.sent += bool(answer) and self.managed
            return answer
        if name == "presence":
            answer = self._presence(element)
            self.sent += answer.count("<presence ") + answer.count("<message ") if self.managed else 0
            return answer
        self.messages += name == "message"
        return ""

    def _presence(self, presence: ET.Element) -> str:
        room, _, nick = presence.get("to", "").partition("/")
        crowd = self._account.crowd
        if not room:
            first, self.online = not self.online, True
            return crowd.greetings(self.full_jid) if first else ""
        if presence.get("type") == "unavailable":
            return crowd.left(room, nick, self.full_jid)
        if presence.find(f"{{{MUC}}}x") is not None:
            return crowd.entered(room, nick, self.full_jid)
        return ""

    def _sasl(self, name: str, element: ET.Element) -> str:
        try:
            text = base64.b64decode(element.text or "").decode()
        except ValueError as error:
            raise ClientError("SASL data is no base64 of UTF-8") from error
        if name == "auth" and element.get("mechanism") == "SCRAM-SHA-1":
            challenge = base64.b64encode(self._scram.challenge(text).encode()).decode()
            return f"<challenge xmlns='{_SASL}'>{challenge}</challenge>"
        if name == "auth" and element.get("mechanism") == "PLAIN":
            expected = [self._account.user, self._account.password]
            return self._success("") if text.split("\0")[1:] == expected else self._refused()
        if name == "response" and (signature := self._scram.finish(text)) is not None:
            return self._success(base64.b64encode(f"v={signature}".encode()).decode())
        return self._refused()

    def _success(self, data: str) -> str:
        self._authenticated = True
        self._restart()
        return f"<success xmlns='{_SASL}'>{data}</success>"

    @staticmethod
    def _refused() -> str:
        return f"<failure xmlns='{_SASL}'><not-authorized/></failure>"

    def _management(self, name: str, element: ET.Element) -> str:
        if name == "enable":
            self.managed, self.sent, self._received = True, 0, 0
            return f"<enabled xmlns='{_SM}'/>"
        if name == "a":
            self.acked = int(element.get("h", "0"))
        if name == "r":
            return f"<a xmlns='{_SM}' h='{self._received}'/>"
        if name == "resume":
            return f"<failed xmlns='{_SM}'><item-not-found xmlns='{_ERRORS}'/></failed>"
        return ""

    def _iq(self, iq: ET.Element) -> str:
        kind = iq.get("type")
        if kind not in {"get", "set"}:
            self.answered = iq.get("id", "")
            return ""
        payload = iq[0] if len(iq) else ET.Element("none")
        head = f"id={quoteattr(iq.get('id', ''))} to={quoteattr(self.full_jid)}"
        if iq.get("to"):
            head += f" from={quoteattr(iq.get('to', ''))}"
        answer = self._answers().get(payload.tag)
        if answer is not None:
            return f"<iq type='result' {head}>{answer(iq, payload)}</iq>"
        if kind == "set":
            return f"<iq type='result' {head}/>"
        condition = "item-not-found" if "pubsub" in payload.tag else "service-unavailable"
        return f"<iq type='error' {head}><error type='cancel'><{condition} xmlns='{_ERRORS}'/></error></iq>"

    def _answers(self) -> dict[str, Callable[[ET.Element, ET.Element], str]]:
        return {
            f"{{{_BIND}}}bind": self._bind,
            f"{{{_INFO}}}query": self._info,
            "{urn:xmpp:ping}ping": lambda *_: "",
            "{jabber:iq:roster}query": self._roster,
            "{urn:xmpp:blocking}blocklist": lambda *_: "<blocklist xmlns='urn:xmpp:blocking'/>",
            "{http://jabber.org/protocol/disco#items}query": (
                lambda *_: "<query xmlns='http://jabber.org/protocol/disco#items'/>"
            ),
            f"{{{_MAM}}}query": lambda *_: (
                f"<fin xmlns='{_MAM}' complete='true'><set xmlns='http://jabber.org/protocol/rsm'>"
                "<count>0</count></set></fin>"
            ),
        }

    def _bind(self, _: ET.Element, payload: ET.Element) -> str:
        self._resource = payload.findtext(f"{{{_BIND}}}resource") or secrets.token_hex(4)
        return f"<bind xmlns='{_BIND}'><jid>{escape(self.full_jid)}</jid></bind>"

    def _roster(self, *_: ET.Element) -> str:
        if self._account.crowd.contacts:
            return self._account.crowd.roster()
        items = "".join(f"<item jid={quoteattr(jid)} subscription='both'/>" for jid in self._account.contacts)
        return f"<query xmlns='jabber:iq:roster'>{items}</query>"

    def _info(self, iq: ET.Element, _: ET.Element) -> str:
        own = iq.get("to") in {None, self._account.jid}
        identity = ("account", "registered") if own else ("server", "im")
        features = "".join(f"<feature var={quoteattr(name)}/>" for name in self._account.features)
        head = f"<identity category='{identity[0]}' type='{identity[1]}'/>"
        return f"<query xmlns='{_INFO}'>{head}{features}</query>"
