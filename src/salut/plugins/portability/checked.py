# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an import brings is checked like anything from outside. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid
from salut.model.words import _
from salut.plugins.history.api import Conversation, ConversationKind, Message, NewMessage
from salut.plugins.portability.api import MAX_BATCH

STREAM: Final = "import"
"""Imported messages are a stream of their own: what the server's archive lacks is not judged by them."""
SLACK: Final = 24 * 3600 * moment.SECOND  # how far ahead of us another clock may have been
MAX_BODY: Final = 500_000
MAX_FIELD: Final = 5_000
MAX_EXTRA: Final = 65_536  # bytes of what a message holds beside texts, each field
NO_TEXT: Final = {c: "\N{REPLACEMENT CHARACTER}" for c in range(32) if c not in (9, 10, 13)}  # not in XML 1.0
KINDS: Final[dict[str, ConversationKind]] = {"groupchat": "room", "private": "private"}
COMMON: Final = tuple(
    sorted(set(NewMessage.__struct_fields__) & set(Message.__struct_fields__) - {"place", "sub", "state"})
)
_encode = msgspec.json.Encoder().encode
T = TypeVar("T", bound=msgspec.Struct)
S = TypeVar("S")


def bounded(batch: Sequence[S]) -> Sequence[S]:
    """A batch within its bound."""
    if len(batch) > MAX_BATCH:
        raise SalutError(
            "too-large",
            _("A batch has at most {} entries.").format(MAX_BATCH),
            {"field": "batch", "limit": MAX_BATCH},
        )
    return batch


def new_messages(batch: Sequence[Message], now: int) -> list[NewMessage]:
    """Messages of a batch as history takes them. ``invalid`` with ``data.index`` for a wrong one."""
    made = []
    for index, message in enumerate(bounded(batch)):
        try:
            made.append(_new(message, now))
        except SalutError as error:
            raise SalutError("invalid", error.message, {"field": "batch", "index": index}) from None
    return made


def _new(message: Message, now: int) -> NewMessage:
    _moment(message.at, now)
    values: dict[str, Any] = {name: getattr(message, name) for name in COMMON}
    for name, value in values.items():
        if isinstance(value, str):
            most = MAX_BODY if name == "body" else MAX_FIELD
            if len(value) > most:
                raise invalid(name, _("“{}” is too long ({} characters).").format(name, len(value)))
            if not value.isprintable():
                values[name] = value.translate(NO_TEXT)
        elif value and len(_encode(value)) > MAX_EXTRA:
            raise invalid(name, _("“{}” is too large.").format(name))
    if message.reply is not None:  # the number of the message that it answers is another one here
        values["reply"] = msgspec.structs.replace(message.reply, message=0)
    values["conversation"] = addresses.normal(message.conversation)
    values["sender"] = addresses.normal(message.sender)
    place = message.place or message.at
    if not 0 < place <= now + SLACK or abs(message.sub) >= 1 << 62:
        raise invalid("place", _("A message stands at an impossible place."))
    if message.state == "pending":  # else it would be sent
        values["error"] = _("It waited to be sent when it was exported.")
    return NewMessage(
        **values,
        conversation_kind=KINDS.get(message.kind, "contact"),
        place=place,
        sub=message.sub,
        state="failed" if message.state == "pending" else message.state,
        stream=STREAM,
        counts=False,
    )


def _moment(at: int, now: int) -> None:
    if not 0 < at <= now + SLACK:
        raise invalid("at", _("The time of a message is impossible: {}").format(_said(at)))


def _said(at: int) -> str:
    try:
        return moment.iso(at)
    except (ValueError, OverflowError, OSError):
        return str(at)


def conversation(new: Conversation, now: int) -> Conversation:
    """A conversation with its address in normal form. ``invalid``."""
    if not 0 <= new.read_place <= now + SLACK or abs(new.read_sub) >= 1 << 62:
        raise invalid("read_place", _("The read mark stands at an impossible place."))
    values = {"address": addresses.normal(new.address), "title": new.title.translate(NO_TEXT)}
    return msgspec.structs.replace(new, **values)


def things(values: Sequence[dict[str, Any]], struct: type[T]) -> list[T]:
    """Things as their plugin's struct. ``invalid`` with ``data.index`` for a wrong one."""
    made = []
    for index, value in enumerate(values):
        try:
            made.append(msgspec.convert(value, struct))
        except msgspec.ValidationError as error:
            raise SalutError("invalid", str(error), {"field": "batch", "index": index}) from None
    return made
