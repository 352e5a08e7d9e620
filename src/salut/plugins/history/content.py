# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a message holds beside its text, and how one message acts on another. Part of the contract of ``history``."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

MAX_EMOJI: Final = 64  # characters of one reaction
MAX_REACTIONS: Final = 20  # of one person on one message

ActKind = Literal["edit", "retract", "moderate", "react"]


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which message this one answers (XEP-0461)."""

    ref: str  # the id by which the sender names it
    to: str = ""  # address of its author, as the sender says
    message: int = 0  # the message in history; 0: not there (yet)
    excerpt: str = ""  # what the sender quotes of it, at most 300 characters


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file or link that came with a message, kept as data: nothing is fetched (XEP-0066, XEP-0447)."""

    url: str = ""
    name: str = ""
    type: str = ""  # media type, as the sender says
    size: int = 0  # bytes; 0: not said
    description: str = ""
    width: int = 0  # pixels
    height: int = 0
    hashes: dict[str, str] = {}  # algorithm (XEP-0300) -> Base64
    inline: bool = False  # to be shown within the message (XEP-0447 disposition)


class Reference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the text that names somebody or something (XEP-0372, XEP-0513)."""

    uri: str
    begin: int = 0  # of the text, in characters (Unicode code points)
    end: int = 0
    mention: bool = False


class Reaction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An emoji under a message, and who put it there (XEP-0444)."""

    emoji: str
    count: int = 1
    senders: list[str] = []  # the first 50
    mine: bool = False


class Retraction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The message was taken back: by its author (XEP-0424), or by a moderator (XEP-0425)."""

    at: int
    by: str = ""
    moderated: bool = False
    reason: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a correction replaces whole (XEP-0308 section 4)."""

    body: str = ""
    subject: str = ""
    reply: Reply | None = None
    attachments: list[Attachment] = []
    references: list[Reference] = []
    encryption: str = ""
    unstyled: bool = False
    mention: bool = False


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message does to another one. ``target``: the id by which its sender names that.

    ``applied``: the message itself is what is left of a retracted one (a tombstone, XEP-0424 section 5).
    """

    kind: ActKind
    target: str = ""
    reactions: list[str] = []
    reason: str = ""
    by: str = ""
    applied: bool = False


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A text that a message had before it was corrected."""

    at: int
    body: str
