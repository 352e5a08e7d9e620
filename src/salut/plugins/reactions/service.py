# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reactions decide: what the person has put under a message is sent whole each time (XEP-0444 section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from salut.model.errors import SalutError, invalid
from salut.model.words import _
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import MAX_EMOJI, MAX_REACTIONS, Act, History, Message
from salut.plugins.reactions.api import ReactionsApi


class ReactionsService(ReactionsApi):
    """The contract's methods."""

    def __init__(self, chat: Chat, history: History) -> None:
        self._chat = chat
        self._history = history

    async def react(
        self, *, profile: str, message: int, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> Message:
        shown = await self._history.get(profile=profile, message=message)
        if shown.retraction is not None:
            raise SalutError("refused", _("The message was taken back."))
        now = wanted([reaction.emoji for reaction in shown.reactions if reaction.mine], add, remove)
        return await self._chat.do(profile, message, Act(kind="react", reactions=now))


def wanted(now: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """Own reactions after the change. ``invalid``."""
    for emoji in add:
        if not emoji.strip() or len(emoji) > MAX_EMOJI or any(c.isspace() for c in emoji.strip()):
            raise invalid("add", _("“{}” is no reaction: one emoji or a short word is.").format(emoji[:80]))
    gone = set(now) if "*" in remove else {emoji.strip() for emoji in remove}
    found = [emoji for emoji in now if emoji not in gone] + [emoji.strip() for emoji in add]
    found = list(dict.fromkeys(found))
    if len(found) > MAX_REACTIONS:
        raise invalid("add", _("A person has at most {} reactions on a message.").format(MAX_REACTIONS))
    return found
