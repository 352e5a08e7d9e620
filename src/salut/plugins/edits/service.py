# SPDX-License-Identifier: AGPL-3.0-or-later
"""Edits decide: who may do what is history's to say; a room answers for what its moderators do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from salut.engine.plugin import Host
from salut.model.errors import SalutError, invalid
from salut.model.words import _
from salut.plugins.chat.api import Chat
from salut.plugins.edits.api import EditsApi
from salut.plugins.history.api import Act, Content, History, Message

if TYPE_CHECKING:
    from salut.plugins.edits.protocol import EditsProtocol

MAX_REASON: Final = 500


class EditsService(EditsApi):
    """The contract's methods."""

    def __init__(self, host: Host, chat: Chat, history: History) -> None:
        self._host = host
        self._chat = chat
        self._history = history
        self.protocol: EditsProtocol

    async def edit(self, *, profile: str, message: int, body: str) -> Message:
        if not body.strip():
            raise invalid(
                "body", _("A corrected message needs a text; to take it back: jp retract {}").format(message)
            )
        shown = await self._history.get(profile=profile, message=message)
        if shown.retraction is not None:
            raise SalutError("refused", _("The message was taken back; it cannot be corrected any more."))
        kept = Content(body=body, subject=shown.subject, reply=shown.reply, unstyled=shown.unstyled)
        if shown.attachments and body == shown.body:
            kept = msgspec.structs.replace(kept, attachments=shown.attachments)
        return await self._chat.do(profile, message, Act(kind="edit"), kept)

    async def retract(self, *, profile: str, message: int) -> Message:
        return await self._chat.do(profile, message, Act(kind="retract"))

    async def moderate(self, *, profile: str, message: int, reason: str = "") -> Message:
        shown = await self._history.get(profile=profile, message=message)
        if shown.kind != "groupchat" or not shown.archive:
            raise SalutError("refused", _("Only a message in a room that keeps an archive can be moderated."))
        if len(reason) > MAX_REASON:
            raise SalutError("too-large", _("A reason has at most {} characters.").format(MAX_REASON))
        await self.protocol.moderate(self._host.link(profile), shown.conversation, shown.archive, reason)
        return await self._history.get(profile=profile, message=message)
