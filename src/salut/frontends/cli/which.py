# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a person names a message in the shell, the same for every command that takes a MESSAGE.

``17``: the id that ``jp log --ids`` and ``--json`` show. ``last``: one's own newest message, ``last:TO`` in that
conversation. ``new``: the newest from someone else, ``new:TO`` in that conversation.
"""

from __future__ import annotations

from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import flag, number, objects, text
from salut.frontends.cli.spec import Argument
from salut.model.errors import SalutError, invalid, not_found
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object
    from salut.frontends.cli.spec import Count

LAST, NEW = "last", "new"
PAGE = 100
MOST_PAGES = 5  # of one conversation that are looked through
MOST_CONVERSATIONS = 200  # that are looked through where none is named
MOST_ID = 1 << 53


def argument(count: Count = "one") -> Argument:
    """The declaration of MESSAGE."""
    return Argument(
        "message",
        N_("its id (jp log --ids), “last” or “last:TO” for your newest, “new” or “new:TO” for theirs"),
        count,
    )


def find(link: Link, word: str) -> tuple[str, Object]:
    """The profile and the message that ``word`` means. Raises ``invalid``, ``not-found`` or ``ambiguous``."""
    kind, colon, to = word.partition(":")
    if kind in (LAST, NEW):
        own = kind == LAST
        if not colon:
            profile = link.profile()
            return profile, _newest_of_all(link, profile, own)
        profile, address = link.find(to)
        found = _newest(link, profile, address, own)
        if found is None:
            raise not_found(_none_in(own).format(address))
        return profile, found
    if word.isascii() and word.isdigit() and 0 < len(word) < 17 and int(word) < MOST_ID:
        return _by_id(link, int(word))
    raise invalid(
        "message",
        _("“{}” names no message. Use an id that “jp log --ids” shows, last, last:TO, new or new:TO.").format(
            word[:80]
        ),
    )


def _none_in(own: bool) -> str:
    if own:
        return _("There is no message of yours among the latest with {}.")
    return _("There is no message from others among the latest with {}.")


def _by_id(link: Link, key: int) -> tuple[str, Object]:
    """Ids are those of the daemon, not of a profile: the profile need not be named."""
    names = (
        [link.named] if link.named else [text(found, "name") for found in objects(link.call("profiles.list"))]
    )
    for name in names:
        try:
            return name, link.object("history.get", {"profile": name, "message": key})
        except SalutError as error:
            if error.code != "not-found" or link.named:
                raise
    raise not_found(_("There is no message {}.").format(key))


def _newest(link: Link, profile: str, address: str, own: bool, pages: int = MOST_PAGES) -> Object | None:
    mark: Json = None
    for _page in range(pages):
        question: Object = {"profile": profile, "conversation": address, "limit": PAGE}
        if mark is not None:
            question["before"] = mark
        page = link.object("history.page", question)
        for message in reversed(objects(page, "items")):
            if flag(message, "outgoing") is own and message.get("retraction") is None:
                return message
        mark = page.get("before")
        if mark is None:
            break
    return None


def _newest_of_all(link: Link, profile: str, own: bool) -> Object:
    """No conversation that was silent since the best one found can hold a newer one."""
    best: Object | None = None
    page = link.object("history.conversations", {"profile": profile, "limit": MOST_CONVERSATIONS})
    for conversation in objects(page, "items"):
        if best is not None and number(conversation, "last_at") <= number(best, "at"):
            break
        found = _newest(link, profile, text(conversation, "address"), own, 1)
        if found is not None and (best is None or number(found, "at") > number(best, "at")):
            best = found
    if best is None:
        raise not_found(
            _("There is no message of yours yet.") if own else _("There is no message from others yet.")
        )
    return best
