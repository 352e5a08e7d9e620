# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who of a room is named in a text. No I/O; the time grows with the text and the room, not with their product."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

MOST: Final = 50  # mentions in one message
MOST_LENGTHS: Final = 30  # of nicks that begin alike; the shortest of more are not looked for
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


class Named(NamedTuple):
    """A nick, and where it stands in the text (code points, the end after its last)."""

    nick: str
    begin: int
    end: int


def named(text: str, nicks: Iterable[str]) -> list[Named]:
    """Nicks that stand in a text as words of their own. After an ``@``, which belongs to what is named, case does not
    matter; elsewhere it does, for a nick may be a word like others. Of several that fit the longest is meant."""
    begun: dict[str, dict[int, set[str]]] = {}
    folded: dict[str, dict[int, dict[str, str]]] = {}
    words = {token.lower() for token in _TOKEN.findall(text)}
    for nick in nicks:
        first = _TOKEN.match(nick)
        if first is None or first[0].lower() not in words:
            continue
        begun.setdefault(first[0], {}).setdefault(len(nick), set()).add(nick)
        lower = nick.lower()
        if len(lower) == len(nick):
            folded.setdefault(first[0].lower(), {}).setdefault(len(nick), {})[lower] = nick
    found: list[Named] = []
    if not begun:
        return found
    last = 0
    for token in _TOKEN.finditer(text):
        start = token.start()
        if start < last or len(found) >= MOST:
            continue
        at_sign = _after_at(text, start)
        if start and not at_sign and (_joined(text, start) or text[start - 1] == "@"):
            continue  # within a word, or in an address
        nick = _fits_any(text, start, folded.get(token[0].lower(), {})) if at_sign else ""
        nick = nick or _fits(text, start, begun.get(token[0], {}))
        if nick:
            last = start + len(nick)
            found.append(Named(nick, start - at_sign, last))
    return found


def _after_at(text: str, start: int) -> bool:
    """Whether a place follows an ``@`` that is not within an address."""
    return start > 0 and text[start - 1] == "@" and not (start > 1 and _is_word(text[start - 2]))


def _joined(text: str, at: int) -> bool:
    """Whether a place lies within a word."""
    return at < len(text) and _is_word(text[at - 1]) and _is_word(text[at])


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _ends(text: str, at: int) -> bool:
    return at >= len(text) or (text[at] != "@" and not _joined(text, at))


def _fits(text: str, start: int, nicks: dict[int, set[str]]) -> str:
    for length in sorted(nicks, reverse=True)[:MOST_LENGTHS]:
        piece = text[start : start + length]
        if piece in nicks[length] and _ends(text, start + length):
            return piece
    return ""


def _fits_any(text: str, start: int, nicks: dict[int, dict[str, str]]) -> str:
    for length in sorted(nicks, reverse=True)[:MOST_LENGTHS]:
        nick = nicks[length].get(text[start : start + length].lower(), "")
        if nick and _ends(text, start + length):
            return nick
    return ""
