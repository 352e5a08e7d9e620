# SPDX-License-Identifier: AGPL-3.0-or-later
"""The fields that ``--json`` shows of each kind of object, always all of them, and their defaults.

The bridge leaves out fields that have their default; here they come back, so that a script needs no
knowledge of defaults. A test holds these tables against the structs of the contract. Moments, microseconds
on the bridge, become ISO 8601 in UTC, ``null`` where there is none.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
    Object = dict[str, Json]

REQUIRED = object()
EMPTY = object()  # a mapping with nothing in it
MOMENT = "moment"  # marks a field that holds a moment: required where alone
NO_MOMENT = "no-moment"  # a moment whose default (0 or null) says that there is none


class Maybe:
    """A field that holds an object of this shape, or ``null``."""

    __slots__ = ("shape",)

    def __init__(self, shape: Mapping[str, object]) -> None:
        self.shape = shape


class Many(Maybe):
    """A field that holds a list of such objects."""

    __slots__ = ()


REPLY: Mapping[str, object] = {"ref": REQUIRED, "to": "", "message": 0, "excerpt": ""}
REACTION: Mapping[str, object] = {"emoji": REQUIRED, "count": 1, "senders": (), "mine": False}
RETRACTION: Mapping[str, object] = {"at": MOMENT, "by": "", "moderated": False, "reason": ""}
REFERENCE: Mapping[str, object] = {"uri": REQUIRED, "begin": 0, "end": 0, "mention": False}
ATTACHMENT: Mapping[str, object] = {
    "url": "",
    "name": "",
    "type": "",
    "size": 0,
    "description": "",
    "width": 0,
    "height": 0,
    "hashes": EMPTY,
    "inline": False,
}
MESSAGE: Mapping[str, object] = {
    "id": REQUIRED,
    "conversation": REQUIRED,
    "place": REQUIRED,
    "sub": 0,
    "at": MOMENT,
    "sender": REQUIRED,
    "outgoing": False,
    "kind": "chat",
    "body": REQUIRED,
    "subject": "",
    "thread": "",
    "state": "received",
    "error": "",
    "origin": "",
    "archive": "",
    "mention": False,
    "edited_at": NO_MOMENT,
    "retraction": Maybe(RETRACTION),
    "reactions": Many(REACTION),
    "reply": Maybe(REPLY),
    "attachments": Many(ATTACHMENT),
    "references": Many(REFERENCE),
    "encryption": "",
    "unstyled": False,
    "fleeting": False,
}
CONVERSATION: Mapping[str, object] = {
    "address": REQUIRED,
    "kind": "contact",
    "title": "",
    "unread": 0,
    "mentions": 0,
    "read_place": 0,
    "read_sub": 0,
    "last_at": NO_MOMENT,
    "last_id": 0,
    "preview": "",
    "preview_sender": "",
    "preview_outgoing": False,
}
CONTACT: Mapping[str, object] = {
    "address": REQUIRED,
    "name": "",
    "groups": (),
    "subscription": "none",
    "pending": False,
    "asks": False,
    "in_roster": True,
    "approved": False,
    "note": "",
}
REQUEST: Mapping[str, object] = {"address": REQUIRED, "name": "", "note": "", "at": NO_MOMENT}
GROUP: Mapping[str, object] = {"name": REQUIRED, "path": (), "contacts": REQUIRED}
SUBSCRIPTION: Mapping[str, object] = {
    "address": REQUIRED,
    "what": REQUIRED,
    "text": REQUIRED,
    "at": MOMENT,
}
BLOCKED: Mapping[str, object] = {"address": REQUIRED, "local": False, "report": "", "at": NO_MOMENT}
STRANGER: Mapping[str, object] = {
    "address": REQUIRED,
    "since": MOMENT,
    "at": MOMENT,
    "count": 1,
    "preview": "",
    "refused": False,
}
PRESENCE: Mapping[str, object] = {"address": REQUIRED, "show": REQUIRED, "status": "", "resources": 1}
STATUS: Mapping[str, object] = {"show": "online", "status": ""}
ROOM: Mapping[str, object] = {
    "address": REQUIRED,
    "nick": REQUIRED,
    "state": "left",
    "topic": "",
    "topic_by": "",
    "name": "",
    "members": 0,
    "autojoin": True,
    "error": "",
    "role": "none",
    "affiliation": "none",
    "description": "",
    "wanted": "",
    "moved": "",
    "nonanonymous": False,
    "logged": False,
    "avatar": "",
}
ROOM_INFO: Mapping[str, object] = {
    "address": REQUIRED,
    "name": "",
    "description": "",
    "language": "",
    "subject": "",
    "occupants": -1,
    "contacts": (),
    "avatar": "",
    "membersonly": False,
    "moderated": False,
    "nonanonymous": False,
    "passwordprotected": False,
    "persistent": False,
    "hidden": False,
    "occupant_ids": False,
    "hats": False,
    "self_ping": False,
}
FOUND_ROOM: Mapping[str, object] = {
    "address": REQUIRED,
    "name": "",
    "description": "",
    "language": "",
    "occupants": -1,
    "open": False,
    "nonanonymous": False,
}
AFFILIATED: Mapping[str, object] = {"address": REQUIRED, "affiliation": REQUIRED, "nick": "", "reason": ""}
INVITATION: Mapping[str, object] = {
    "room": REQUIRED,
    "inviter": REQUIRED,
    "at": MOMENT,
    "reason": "",
    "mediated": False,
    "stranger": False,
    "thread": "",
}
MEMBER: Mapping[str, object] = {
    "room": REQUIRED,
    "nick": REQUIRED,
    "address": "",
    "role": "participant",
    "affiliation": "none",
    "show": "online",
    "status": "",
    "me": False,
    "occupant": "",
    "hats": (),
}
AVATAR: Mapping[str, object] = {
    "address": REQUIRED,
    "hash": REQUIRED,
    "type": "",
    "size": 0,
    "width": 0,
    "height": 0,
}
VCARD: Mapping[str, object] = {
    "address": REQUIRED,
    "fn": "",
    "given": "",
    "family": "",
    "nickname": "",
    "bday": "",
    "org": "",
    "title": "",
    "role": "",
    "note": "",
    "street": "",
    "locality": "",
    "region": "",
    "code": "",
    "country": "",
    "url": (),
    "email": (),
    "tel": (),
}
DRAFT: Mapping[str, object] = {"conversation": REQUIRED, "text": REQUIRED, "at": MOMENT, "window": ""}
BOOKMARK: Mapping[str, object] = {"address": REQUIRED, "name": "", "nick": "", "autojoin": False}
SETTING: Mapping[str, object] = {
    "address": REQUIRED,
    "pinned": False,
    "notify": "default",
    "muted_until": NO_MOMENT,
}
SCHEDULED: Mapping[str, object] = {
    "id": REQUIRED,
    "conversation": REQUIRED,
    "body": REQUIRED,
    "subject": "",
    "at": MOMENT,
    "made_at": MOMENT,
    "undo": False,
    "state": "waiting",
    "late": False,
    "error": "",
    "message": 0,
}
STAR: Mapping[str, object] = {"message": REQUIRED, "conversation": REQUIRED, "at": MOMENT, "said_at": MOMENT}
LINK: Mapping[str, object] = {
    "state": "offline",
    "reason": "",
    "code": "",
    "retry_at": NO_MOMENT,
    "attempt": 0,
    "endpoint": "",
}
PROFILE: Mapping[str, object] = {
    "name": REQUIRED,
    "address": REQUIRED,
    "enabled": REQUIRED,
    "resource": "",
    "host": "",
    "port": 0,
    "direct_tls": False,
    "ca_file": "",
    "pins": (),
    "link": LINK,
}
WINDOW: Mapping[str, object] = {
    "id": REQUIRED,
    "name": REQUIRED,
    "kind": REQUIRED,
    "version": REQUIRED,
    "since": MOMENT,
    "binding": REQUIRED,
    "focused": False,
    "idle": False,
    "behind": 0,
}
DAEMON: Mapping[str, object] = {
    "version": REQUIRED,
    "instance": REQUIRED,
    "pid": REQUIRED,
    "started": MOMENT,
    "profiles": REQUIRED,
    "windows": REQUIRED,
    "messages": REQUIRED,
    "plugins": REQUIRED,
    "trouble": "",
}
NOTIFICATION: Mapping[str, object] = {
    "conversation": REQUIRED,
    "title": "",
    "at": MOMENT,
    "unread": 1,
    "mentions": 0,
    "sender": "",
    "preview": "",
    "window": "",
    "quiet": False,
}
KINDS: Mapping[str, Mapping[str, object]] = {
    "message": MESSAGE,
    "conversation": CONVERSATION,
    "contact": CONTACT,
    "request": REQUEST,
    "subscription": SUBSCRIPTION,
    "blocked": BLOCKED,
    "stranger": STRANGER,
    "room": ROOM,
    "invitation": INVITATION,
    "draft": DRAFT,
    "bookmark": BOOKMARK,
    "conversation_setting": SETTING,
    "scheduled": SCHEDULED,
    "star": STAR,
    "status": STATUS,
    "profile": PROFILE,
    "notification": NOTIFICATION,
}


def whole(shape: Mapping[str, object], value: Object) -> Object:
    """``value`` with all fields of ``shape``, in its order; fields that the shape lacks come last."""
    out: Object = {}
    for name, default in shape.items():
        out[name] = _field(default, value.get(name))
    for name, field in value.items():
        out.setdefault(name, field)
    return out


def _field(default: object, value: Json) -> Json:
    if default in (MOMENT, NO_MOMENT):
        return iso(value) if isinstance(value, int) and value else None
    if isinstance(default, Many):
        return [whole(default.shape, item) for item in objects(value)]
    if isinstance(default, Maybe):
        return whole(default.shape, value) if isinstance(value, dict) else None
    if default is EMPTY:
        return value if isinstance(value, dict) else {}
    if isinstance(default, dict):
        return whole(default, value if isinstance(value, dict) else {})
    if value is not None:
        return value
    if default is REQUIRED:
        return None
    if default == ():
        return []
    assert default is None or isinstance(default, bool | int | float | str)
    return default


def iso(moment: int) -> str:
    """A moment as ISO 8601 in UTC."""
    from salut.model.moment import iso

    return iso(moment)


def text(value: Object, name: str, default: str = "") -> str:
    """A text field; ``default`` where it is absent."""
    found = value.get(name)
    return found if isinstance(found, str) else default


def number(value: Object, name: str, default: int = 0) -> int:
    """A whole number; ``default`` where it is absent."""
    found = value.get(name)
    return found if isinstance(found, int) else default


def flag(value: Object, name: str, default: bool = False) -> bool:
    """A yes or no; ``default`` where it is absent."""
    found = value.get(name)
    return found if isinstance(found, bool) else default


def inner(value: Object, name: str) -> Object:
    """An object in an object; empty where it is absent."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def texts(value: Object, name: str) -> list[str]:
    """A list of texts; empty where it is absent."""
    found = value.get(name)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def objects(value: Json, name: str = "") -> list[Object]:
    """The objects in a list, or in the list under ``name`` of an object (a page's ``items``)."""
    found = value.get(name) if name and isinstance(value, dict) else value
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
