# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the person wishes of one chat, in ``<extensions/>`` as bookmarks have them (XEP-0402): pinned (XEP-0469),
when to notify (XEP-0492), and until when to be silent, for which there is no XEP. All else stays as it is.
"""

from __future__ import annotations

from typing import Final, Literal
from xml.etree.ElementTree import Element, SubElement

import msgspec

from salut.model import moment

PINNING: Final = "urn:xmpp:bookmarks-pinning:0"
NOTIFY: Final = "urn:xmpp:notification-settings:1"
OWN: Final = "salut:conversation:0"
IDENTITY: Final = ("client", "pc")  # ours, as disco tells it

Level = Literal["default", "always", "mention", "never"]
_LEVELS: Final[dict[str, Level]] = {
    f"{{{NOTIFY}}}always": "always",
    f"{{{NOTIFY}}}on-mention": "mention",
    f"{{{NOTIFY}}}never": "never",
}
_TAGS: Final = {level: tag for tag, level in _LEVELS.items()}


class ChatSettings(msgspec.Struct, frozen=True):
    """``muted_until``: microseconds; 0: not muted."""

    pinned: bool = False
    level: Level = "default"
    muted_until: int = 0


def read(extensions: Element | None) -> ChatSettings:
    """What they say. What is no value of the XEPs' is as if it were not there."""
    if extensions is None:
        return ChatSettings()
    chosen = _effective(extensions.find(f"{{{NOTIFY}}}notify"))
    return ChatSettings(
        pinned=extensions.find(f"{{{PINNING}}}pinned") is not None,
        level=_LEVELS[chosen.tag] if chosen is not None else "default",
        muted_until=_until(extensions.find(f"{{{OWN}}}muted")),
    )


def write(extensions: Element, wished: ChatSettings) -> None:
    """Make them say this, and leave what others wrote as it is."""
    now = read(extensions)
    if wished.pinned != now.pinned:
        _set(extensions, f"{{{PINNING}}}pinned", wished.pinned)
    if wished.muted_until != now.muted_until:
        until = moment.iso(wished.muted_until) if wished.muted_until else ""
        _set(extensions, f"{{{OWN}}}muted", bool(until), until=until)
    if wished.level != now.level:
        _notify(extensions, wished.level)


def _set(extensions: Element, tag: str, there: bool, **attributes: str) -> None:
    for old in extensions.findall(tag):
        extensions.remove(old)
    if there:
        SubElement(extensions, tag, attributes)


def _until(muted: Element | None) -> int:
    try:
        return max(moment.parse(muted.get("until", "")), 0) if muted is not None else 0
    except (ValueError, OverflowError):
        return 0


def _effective(notify: Element | None) -> Element | None:
    """The setting most specific to us (XEP-0492, business rules)."""
    best: Element | None = None
    rank = 0
    for setting in notify if notify is not None else ():
        specific = _specific(setting)
        if specific > rank:
            best, rank = setting, specific
    return best


def _specific(setting: Element) -> int:
    """How specific to us a setting is; 0: it is none, or another's."""
    category, kind = setting.get("identity-category"), setting.get("identity-type")
    if setting.tag not in _LEVELS or (kind is not None and category is None):
        return 0
    if category is None:
        return 1
    if category != IDENTITY[0] or kind not in (None, IDENTITY[1]):
        return 0
    return 2 if kind is None else 3


def _notify(extensions: Element, level: Level) -> None:
    notify = extensions.find(f"{{{NOTIFY}}}notify")
    if level == "default":
        if notify is not None:
            _reset(extensions, notify)
        return
    if notify is None:
        notify = SubElement(extensions, f"{{{NOTIFY}}}notify")
    chosen = _effective(notify)
    if chosen is not None:
        chosen.tag = _TAGS[level]  # with its <advanced/>, which is not ours to lose
    if not any(_specific(setting) == 1 for setting in notify):
        SubElement(notify, _TAGS[level])
    _once(notify)


def _reset(extensions: Element, notify: Element) -> None:
    """Back to what is usual: what applies to us goes, but for what holds another's advanced settings."""
    for setting in [setting for setting in notify if _specific(setting) and not len(setting)]:
        notify.remove(setting)
    if not len(notify):
        extensions.remove(notify)


def _once(notify: Element) -> None:
    """There is not more than one setting of the same name and attributes."""
    seen: set[tuple[str, str | None, str | None]] = set()
    for setting in list(notify):
        mark = (setting.tag, setting.get("identity-category"), setting.get("identity-type"))
        if mark in seen and not len(setting):
            notify.remove(setting)
        seen.add(mark)
