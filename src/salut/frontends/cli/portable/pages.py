# SPDX-License-Identifier: AGPL-3.0-or-later
"""All that the daemon holds, page by page: never more than one page in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import flag, number, objects, text
from salut.model.errors import SalutError

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

PAGE: Final = 500
CONVERSATIONS: Final = 200
DAY: Final = 86_400_000_000


class Wanted:
    """What to take: one conversation or all, and between which moments (``until`` not included)."""

    def __init__(self, conversation: str = "", since: int = 0, until: int = 1 << 62) -> None:
        self.conversation = conversation
        self.since = since
        self.until = until

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.conversation and not self.since and self.until == 1 << 62


def conversations(link: Link, profile: str, wanted: Wanted) -> list[Object]:
    """Conversations of a profile, the last active first."""
    found: list[Object] = []
    question: Object = {"profile": profile, "limit": CONVERSATIONS}
    while True:
        page = link.object("history.conversations", question)
        found += objects(page, "items")
        if not isinstance(page.get("before"), str):
            break
        question["before"] = page["before"]
    once = {text(item, "address"): item for item in found}  # one that became active meanwhile comes twice
    return [item for address, item in once.items() if wanted.conversation in ("", address)]


def messages(link: Link, profile: str, address: str, wanted: Wanted) -> Iterator[Object]:
    """Messages of a conversation in their order."""
    question: Object = {"profile": profile, "conversation": address, "since": wanted.since}
    limit = PAGE
    while True:
        try:
            page = link.object("history.page", {**question, "limit": limit})
        except SalutError as error:
            if error.code != "too-large" or limit == 1:
                raise
            link.close()  # an answer past the SDK's bound was begun: ask for less, on a new connection
            limit = max(1, limit // 8)
            continue
        for item in objects(page, "items"):
            at = number(item, "at")
            if flag(item, "fleeting"):
                continue  # its sender wants no lasting record of it (XEP-0334)
            if wanted.since <= at < wanted.until:
                yield item
            elif number(item, "place") > wanted.until + DAY:
                return
        after = page.get("after")
        if not isinstance(after, str):
            return
        question = {"profile": profile, "conversation": address, "after": after}


def kinds(link: Link) -> list[str]:
    """Kinds of things that plugins hand out."""
    found: Json = link.call("portability.kinds")
    return [kind for kind in found if isinstance(kind, str)] if isinstance(found, list) else []


def things(link: Link, profile: str, kind: str) -> Iterator[Object]:
    """Things of one kind."""
    question: Object = {"profile": profile, "kind": kind, "limit": PAGE}
    while True:
        page = link.object("portability.things", question)
        yield from objects(page, "items")
        if not isinstance(page.get("after"), str):
            return
        question["after"] = page["after"]
