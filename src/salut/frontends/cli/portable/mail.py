# SPDX-License-Identifier: AGPL-3.0-or-later
"""A message as a mail (RFC 5322, RFC 2045), and back.

Mail programs see sender, recipient, date, subject, text and threads. ``X-Salut-Message`` holds all other fields
(JSON in base64), so that a mail that came from here goes back in unchanged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import Header, decode_header, make_header
from email.message import Message as Mail
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final

import msgspec

from salut.frontends.cli.portable import found
from salut.frontends.cli.portable.found import Bad, Found, Where
from salut.model import moment
from salut.model.words import _

MAX_MAIL: Final = 8 << 20
ATOM: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+\Z")
KINDS: Final = ("chat", "normal", "groupchat", "private")
_json = msgspec.json.Encoder()


def mail(account: str, message: dict[str, Any]) -> bytes:
    """A message of an account (its address) as a mail with LF at line ends and no ``From `` at a line's start."""
    sender, conversation = message["sender"], message["conversation"]
    kind, outgoing = message.get("kind", "chat"), bool(message.get("outgoing"))
    thread = message.get("thread", "")
    root = _id(account, conversation, f"thread {thread}")
    refers = [root]
    replied = _replied(message)
    if replied:
        refers.append(_id(account, conversation, replied))
    group = kind == "groupchat"
    headers = [
        ("From", _address(sender, kind)),
        ("To", _address(conversation if outgoing or group else account, "chat")),
        ("Date", format_datetime(_when(message["at"]))),
        ("Message-ID", message_id(account, message)),
        ("In-Reply-To", refers[-1]),
        ("References", " ".join(refers)),
        ("Subject", _text(message.get("subject") or _("Chat with {}").format(conversation))),
        ("X-XMPP-Account", _text(account)),
        ("X-XMPP-Conversation", _text(conversation)),
        ("X-XMPP-Sender", _text(sender)),
        ("X-XMPP-Type", kind),
        ("X-XMPP-Id", _text(message.get("origin", ""))),
        ("X-XMPP-Stanza-Id", _text(message.get("archive", ""))),
        ("X-Salut-Message", _folded({k: v for k, v in message.items() if k != "body"})),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
    ]
    coding, body = _body(message.get("body", ""))
    headers.append(("Content-Transfer-Encoding", coding))
    head = "".join(f"{name}: {value}\n" for name, value in headers if value)
    return head.encode("ascii") + b"\n" + body


def message_id(account: str, message: dict[str, Any]) -> str:
    """Always the same for the same message, on any machine."""
    return _id(account, message["conversation"], _mark(message))


def _mark(message: dict[str, Any]) -> str:
    names = ("archive", "origin") if message.get("kind") == "groupchat" else ("origin", "archive")
    named = message.get(names[0]) or message.get(names[1])  # the one by which answers name it (XEP-0461)
    return named or f"{message['at']} {message['sender']} {message.get('body', '')}"


def _id(account: str, conversation: str, mark: str) -> str:
    digest = hashlib.sha256("\0".join((account, conversation, mark)).encode()).hexdigest()[:40]
    return f"<{digest}@xmpp.invalid>"


def _replied(message: dict[str, Any]) -> str:
    """The id of the message that this one answers (XEP-0461), where it holds one."""
    reply = message.get("reply")
    return str(reply.get("ref") or "") if isinstance(reply, dict) else ""


def _when(at: int) -> datetime:
    return datetime.fromtimestamp(at // moment.SECOND, UTC)


def _address(address: str, kind: str) -> str:
    bare, _slash, resource = address.partition("/")
    shown = resource if kind in ("groupchat", "private") and resource else bare
    spec = bare if ATOM.match(bare) else f"{hashlib.sha256(bare.encode()).hexdigest()[:16]}@xmpp.invalid"
    return spec if shown == spec else f"{_text(shown, quoted=True)} <{spec}>"


def _text(value: str, quoted: bool = False) -> str:
    """A header's text: ASCII as it is, all else as encoded words (RFC 2047)."""
    if (
        value.isascii()
        and value.isprintable()
        and len(value) < 900
        and value == value.strip()
        and "=?" not in value
    ):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if quoted else value
    return Header(value.translate(NO_BREAK), "utf-8", maxlinelen=70).encode(linesep="\n")


NO_BREAK: Final = {**dict.fromkeys(range(32), " "), 127: " "}


def _folded(fields: dict[str, Any]) -> str:
    coded = base64.b64encode(_json.encode(fields)).decode()
    return "\n ".join(coded[i : i + 72] for i in range(0, len(coded), 72))


def _body(body: str) -> tuple[str, bytes]:
    """Coding and bytes, which end with a line feed whether or not the text does."""
    raw = body.encode()
    if b"\r" in raw or len(raw) > 3 * len(body):
        return "base64", base64.encodebytes(raw) or b"\n"
    coded = binascii.b2a_qp(raw, quotetabs=False, istext=True, header=False)
    coded = coded.replace(b"\nFrom ", b"\n=46rom ")
    if coded.startswith(b"From "):
        coded = b"=46rom " + coded[5:]
    return "quoted-printable", coded + b"=\n"


# Reading
def read(where: Where, raw: bytes, now: int) -> Found:
    """A mail as an entry; its account is that of its ``X-XMPP-Account``."""
    parsed = message_from_bytes(raw)
    account = header(parsed, "X-XMPP-Account")
    body = _payload(parsed)
    if body is None:
        return Bad(where, _("it has no text that can be read"))
    packed = parsed.get("X-Salut-Message")
    fields: dict[str, Any] | None
    if packed is not None:
        fields = _unpacked(str(packed))
        if fields is None:
            return Bad(where, _("its X-Salut-Message is damaged"))
    else:
        fields, body = _plain(parsed, account), body.replace("\r\n", "\n").removesuffix("\n")
        if fields is None:
            return Bad(
                where, _("it is no chat message: X-XMPP-Conversation, From or Date is missing or wrong")
            )
    return found.checked(where, account, {**fields, "body": body}, now)


def header(parsed: Mail, name: str) -> str:
    """A header's text, decoded; damaged ones as far as they go."""
    value = parsed.get(name)
    if value is None:
        return ""
    try:
        text = str(make_header(decode_header(str(value))))
    except (UnicodeError, LookupError, ValueError, binascii.Error):
        text = str(value)
    return " ".join(text.split())


def _unpacked(packed: str) -> dict[str, Any] | None:
    try:
        fields = msgspec.json.decode(base64.b64decode("".join(packed.split()), validate=True))
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _plain(parsed: Mail, account: str) -> dict[str, Any] | None:
    conversation = header(parsed, "X-XMPP-Conversation")
    kind = header(parsed, "X-XMPP-Type") or "chat"
    sender = header(parsed, "X-XMPP-Sender") or header(parsed, "From").rpartition("<")[2].rstrip(">")
    try:
        when = parsedate_to_datetime(header(parsed, "Date"))
        at = int(when.timestamp()) * moment.SECOND
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    if not conversation or not sender or kind not in KINDS:
        return None
    outgoing = bool(account) and sender.partition("/")[0] == account
    return {
        "conversation": conversation,
        "sender": sender,
        "at": at,
        "kind": kind,
        "outgoing": outgoing,
        "state": "sent" if outgoing else "received",
        "origin": header(parsed, "X-XMPP-Id"),
        "archive": header(parsed, "X-XMPP-Stanza-Id"),
    }


def _payload(parsed: Mail) -> str | None:
    """The first text of a mail."""
    for part in parsed.walk():
        if part.get_content_type() != "text/plain":
            continue
        raw = part.get_payload(decode=True)
        if isinstance(raw, bytes):
            charset = part.get_content_charset() or "utf-8"
            try:
                return raw.decode(charset)
            except (LookupError, UnicodeDecodeError):
                return raw.decode("utf-8", "replace")
    return None
