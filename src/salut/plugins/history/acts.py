# SPDX-License-Identifier: AGPL-3.0-or-later
"""What becomes of a message when others act on it. No I/O: the same whatever the order in which they arrive.

Who may do what (XEP-0308 section 4, XEP-0424 section 6, XEP-0425 section 5): react: everybody in the conversation.
Correct and retract: the author alone. Moderate: the room itself, for its moderators.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from salut.plugins.history.api import ConversationKind, NewMessage
from salut.plugins.history.content import MAX_EMOJI, MAX_REACTIONS, Act, Content, Reaction, Retraction

MAX_SHOWN: Final = 100  # different reactions under one message
MAX_SENDERS: Final = 50

State = Literal["", "pending"]


class Author(msgspec.Struct, frozen=True):
    """Who wrote a message or act, as far as it says who may change it. ``since``: see ``NewMessage``."""

    sender: str
    occupant: str
    outgoing: bool
    since: int = 0


class Deed(msgspec.Struct, frozen=True):
    """An act on one message, in its ``order`` among those of its conversation."""

    order: tuple[int, int, int]
    at: int
    actor: str
    sender: str
    outgoing: bool
    act: Act
    content: Content | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What is shown of the message now."""

    content: Content
    edited_at: int = 0
    retraction: Retraction | None = None
    reactions: tuple[Reaction, ...] = ()


def fold(base: Content, deeds: Iterable[Deed]) -> Outcome:
    """What the message is, after all that was done to it. The newest correction and the newest reactions of each
    person are in force; what was retracted stays so."""
    content, edited = base, 0
    retraction: Retraction | None = None
    reactions: dict[str, Deed] = {}
    for deed in sorted(deeds, key=lambda deed: deed.order):
        act = deed.act
        if act.kind == "edit" and deed.content is not None:
            content, edited = deed.content, deed.at
        elif act.kind == "react":
            reactions.pop(deed.actor, None)
            reactions[deed.actor] = deed
        elif act.kind in ("retract", "moderate") and retraction is None:
            retraction = Retraction(
                at=deed.at,
                by=act.by or deed.sender,
                moderated=act.kind == "moderate",
                reason=act.reason,
            )
    if retraction is not None:
        return Outcome(Content(), 0, retraction)
    return Outcome(content, edited, None, tuple(_counted(reactions.values())))


def _counted(deeds: Iterable[Deed]) -> list[Reaction]:
    """Reactions in the order in which they first appeared."""
    by_emoji: dict[str, list[Deed]] = {}
    for deed in deeds:
        for emoji in dict.fromkeys(deed.act.reactions):
            by_emoji.setdefault(emoji, []).append(deed)
    return [
        Reaction(
            emoji=emoji,
            count=len(who),
            senders=[deed.sender for deed in who[:MAX_SENDERS]],
            mine=any(deed.outgoing for deed in who),
        )
        for emoji, who in [*by_emoji.items()][:MAX_SHOWN]
    ]


def bounded(act: Act) -> Act:
    """An act of somebody else, within what is kept of it."""
    reactions = [emoji.strip() for emoji in act.reactions[: MAX_REACTIONS * 2]]
    kept = [emoji for emoji in dict.fromkeys(reactions) if 0 < len(emoji) <= MAX_EMOJI][:MAX_REACTIONS]
    return msgspec.structs.replace(act, reactions=kept, reason=act.reason[:500], by=act.by[:2_047])


def may(act: Act, actor: Author, author: Author, kind: ConversationKind, room: str, at: int) -> bool:
    """Whether ``actor`` may do that to a message that ``author`` wrote at ``at`` in a conversation of this kind."""
    if act.applied or act.kind == "react":
        return True  # the archive itself says what is left; everybody may react
    if act.kind == "moderate":
        return kind == "room" and actor.sender == room
    if actor.outgoing or author.outgoing:
        return actor.outgoing and author.outgoing
    if kind == "contact":
        return bare(actor.sender) == bare(author.sender)
    if kind == "private":
        return actor.sender == author.sender
    if actor.occupant or author.occupant:
        return actor.occupant == author.occupant
    # No ids for occupants: the nick must not have changed hands in between (XEP-0308 section 5)
    return actor.sender == author.sender and 0 < actor.since <= at


def identity(new: NewMessage) -> str:
    """By what one person's reactions are told from another's."""
    if new.outgoing:
        return "me"
    if new.conversation_kind == "room":
        return f"#{new.occupant}" if new.occupant else new.sender
    return new.sender if new.conversation_kind == "private" else bare(new.sender)


def content_of(new: NewMessage) -> Content:
    """What a correction puts in place of what was there."""
    return Content(
        body=new.body,
        subject=new.subject,
        reply=new.reply,
        attachments=new.attachments,
        references=new.references,
        encryption=new.encryption,
        unstyled=new.unstyled,
        mention=new.mention,
    )


def bare(address: str) -> str:
    """Without its resource."""
    return address.partition("/")[0].lower()
