# SPDX-License-Identifier: AGPL-3.0-or-later
"""Replies decide: which id names the message that is answered, and what is quoted of it."""

from __future__ import annotations

from typing import Final

from salut.plugins.chat.api import Chat, Wait
from salut.plugins.history.api import History, Message, Reply
from salut.plugins.replies.api import RepliesApi

MAX_EXCERPT: Final = 300
MAX_LINES: Final = 4


class RepliesService(RepliesApi):
    """The contract's methods."""

    def __init__(self, chat: Chat, history: History) -> None:
        self._chat = chat
        self._history = history

    async def reply(
        self, *, profile: str, message: int, body: str, wait: Wait = "stored", timeout: float = 30.0
    ) -> Message:
        shown = await self._history.get(profile=profile, message=message)
        new = self._chat.compose(profile, shown.conversation, body)
        new.reply = Reply(
            ref=self._chat.reference(shown),
            to=shown.sender,
            message=shown.id,
            excerpt=excerpt(shown.body),
        )
        return await self._chat.deliver(profile, new, wait, timeout)


def excerpt(body: str) -> str:
    """The beginning of a text: four lines, 300 characters at most."""
    lines = [line for line in body.splitlines() if line.strip() and not line.startswith(">")][:MAX_LINES]
    text = "\n".join(lines)
    return text if len(text) <= MAX_EXCERPT else text[: MAX_EXCERPT - 1] + "…"


def quoted(text: str) -> str:
    """As old clients show a quotation (XEP-0393 section 5.1.3)."""
    return "".join(f"> {line}\n" for line in text.splitlines())


def unquoted(text: str) -> str:
    """What stands in a quotation."""
    lines = [line.removeprefix(">").removeprefix(" ") for line in text.splitlines()]
    return excerpt("\n".join(lines))
