# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which hooks a change concerns, and what their programs are told. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from salut.frontends.cli.hooks.book import Hook
from salut.frontends.cli.shapes import KINDS, flag, iso, number, text, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

MAX_ENV = 8_192  # bytes of one value; all of it is on standard input


@dataclass(frozen=True)
class Event:
    """A change. ``seq`` 0: it passes (presence, typing). ``fresh``: a message seen for the first time."""

    journal: str
    seq: int
    kind: str
    key: str
    at: int
    live: bool
    value: Object | None
    fresh: bool = False


def concerns(hook: Hook, event: Event) -> bool:
    """Whether the hook's program is to be run."""
    if hook.on != event.kind or (hook.profile and hook.profile != event.journal):
        return False
    value = event.value or {}
    if event.kind == "message":
        if event.value is None or (
            not hook.every and not (event.fresh and number(value, "at") >= hook.added)
        ):
            return False
        if (hook.incoming and flag(value, "outgoing")) or (hook.mention and not flag(value, "mention")):
            return False
    elif hook.incoming or hook.mention:
        return False
    if event.at < hook.added:
        return False
    return _where(hook, event, value)


def _where(hook: Hook, event: Event, value: Object) -> bool:
    if hook.conversation and hook.conversation not in _addresses(event, value, "conversation"):
        return False
    if hook.sender and hook.sender not in _addresses(event, value, "sender"):
        return False
    if hook.match:
        words = hook.match.casefold()
        return any(words in text(value, name).casefold() for name in ("body", "text", "status", "subject"))
    return True


def _addresses(event: Event, value: Object, name: str) -> set[str]:
    """The address in question, whole and without its resource."""
    found = text(value, name) or text(value, "address") or event.key.partition(" ")[0]
    return {found, found.partition("/")[0]}


def document(event: Event) -> Object:
    """The change as programs get it on standard input: a line of ``jp watch`` without its position."""
    value: Json = event.value
    if event.value is not None and event.kind in KINDS:
        value = whole(KINDS[event.kind], event.value)
    return {
        "journal": event.journal,
        "seq": event.seq,
        "name": event.kind,
        "key": event.key,
        "at": iso(event.at),
        "live": event.live,
        "value": value,
    }


def environment(hook: str, change: Object) -> dict[str, str]:
    """``SALUT_*`` for the program: names fixed, values bounded, without the character that no variable can hold."""
    found = {"SALUT_HOOK": hook}
    for name, value in (
        ("SALUT_PROFILE", change.get("journal")),
        ("SALUT_SEQ", change.get("seq")),
        ("SALUT_KIND", change.get("name")),
        ("SALUT_KEY", change.get("key")),
        ("SALUT_AT", change.get("at")),
        ("SALUT_LIVE", change.get("live")),
    ):
        found[name] = _plain(value)
    value = change.get("value")
    found["SALUT_GONE"] = _plain(value is None)
    if isinstance(value, dict):
        for name in ("id", "conversation", "sender", "body", "subject", "outgoing", "mention", "state", "address",
                     "show", "status", "unread"):  # fmt: skip
            if name in value:
                found[f"SALUT_{name.upper()}"] = _plain(value[name])
    return found


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    raw = str("" if value is None else value).replace("\0", "").encode("utf-8", "replace")
    return raw[:MAX_ENV].decode("utf-8", "ignore")
