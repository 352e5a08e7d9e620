# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the person does to messages, as messages. No I/O."""

from __future__ import annotations

import secrets

from salut.engine.context import CURRENT
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.history.api import Act, Content, ConversationKind, Message, NewMessage


def fresh_id() -> str:
    """The id of a message that is being made: the op that asks for it, so that it is made once."""
    context = CURRENT.get()
    return context.op if context and context.op else secrets.token_hex(12)


def target_of(message: Message, act: Act) -> str:
    """How others know the message: in rooms by the room's id, but for corrections (XEP-0308, XEP-0424 section 6.1,
    XEP-0444 section 3.1)."""
    if message.kind == "groupchat" and act.kind != "edit":
        if not message.archive:
            raise SalutError(
                "refused",
                _("The room has given this message no id yet, so others could not tell which one is meant."),
                {"message": message.id},
            )
        return message.archive
    if not message.origin:
        raise SalutError(
            "refused", _("This message came without an id: nothing can refer to it."), {"message": message.id}
        )
    return message.origin


def new_act(message: Message, act: Act, content: Content | None, sender: str) -> NewMessage:
    """What history stores of it."""
    kinds: dict[str, ConversationKind] = {"groupchat": "room", "private": "private"}
    kept = content or Content()
    return NewMessage(
        conversation=message.conversation,
        conversation_kind=kinds.get(message.kind, "contact"),
        sender=sender,
        outgoing=True,
        kind=message.kind,
        body=kept.body,
        subject=kept.subject,
        reply=kept.reply,
        attachments=kept.attachments,
        references=kept.references,
        encryption=kept.encryption,
        unstyled=kept.unstyled,
        state="pending",
        origin=fresh_id(),
        stream=message.conversation if message.kind == "groupchat" else "",
        act=act,
    )
