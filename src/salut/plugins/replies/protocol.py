# SPDX-License-Identifier: AGPL-3.0-or-later
"""Replies between stanzas and structs (XEP-0461, with the quotation of XEP-0428 for those who do not know them)."""

from __future__ import annotations

from typing import Final, cast
from xml.etree.ElementTree import Element

from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Message, NewMessage, Reply
from salut.plugins.replies.service import quoted, unquoted
from salut.xmpp.decode import Inbound
from salut.xmpp.messages import FALLBACK, MAX_ID, without_fallback
from salut.xmpp.router import Wires
from salut.xmpp.xmltext import attributes, escape

REPLY: Final = "urn:xmpp:reply:0"
MAX_ADDRESS: Final = 3_071


def read_reply(element: Element) -> Reply | None:
    """``<reply/>``."""
    ref = element.get("id", "")[:MAX_ID]
    return Reply(ref=ref, to=element.get("to", "")[:MAX_ADDRESS]) if ref else None


def fill(_profile: str, new: NewMessage, inbound: Inbound) -> None:
    """The quotation is taken out of the text, and kept beside it."""
    told = cast("Reply", inbound.parts["reply"])
    body, quotation = without_fallback(inbound, new.body, REPLY)
    if quotation and body.strip():
        new.body = body
    new.reply = Reply(ref=told.ref, to=told.to, excerpt=unquoted(quotation))


def preface(message: Message) -> str:
    """The quotation that stands before the text on its way."""
    return quoted(message.reply.excerpt) if message.reply is not None else ""


def write(message: Message) -> str:
    """``<reply/>``, and where the quotation stands."""
    if message.reply is None:
        return ""
    length = len(preface(message))
    fallback = (
        f"<fallback xmlns='{FALLBACK}' for='{REPLY}'><body start='0' end='{length}'/></fallback>"
        if length
        else ""
    )
    named = attributes(to=message.reply.to)
    return f"<reply{named} id='{escape(message.reply.ref)}' xmlns='{REPLY}'/>{fallback}"


class RepliesProtocol:
    """Registers with the wires and with chat."""

    def __init__(self, wires: Wires, chat: Chat) -> None:
        wires.shared.decoders.add(f"{{{REPLY}}}reply", "reply", read_reply)
        wires.shared.disco.add_feature(REPLY)
        chat.content("reply", fill)
        chat.preface(preface)
        chat.ask(write)
