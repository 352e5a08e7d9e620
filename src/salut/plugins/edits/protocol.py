# SPDX-License-Identifier: AGPL-3.0-or-later
"""Corrections and retractions between stanzas and structs.

XEP-0308; XEP-0424 and XEP-0425 in their present versions, and in those before them (``urn:xmpp:message-retract:0``,
``urn:xmpp:message-moderate:0``, wrapped by XEP-0422), which many servers and clients still speak.
"""

from __future__ import annotations

from typing import Final, cast
from xml.etree.ElementTree import Element

import msgspec

from salut.engine.plugin import Link
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Act, OwnAct
from salut.xmpp.decode import Inbound
from salut.xmpp.errors import StanzaError
from salut.xmpp.messages import MAX_ID
from salut.xmpp.router import Account, Wires
from salut.xmpp.xmltext import escape

CORRECT: Final = "urn:xmpp:message-correct:0"
RETRACT: Final = "urn:xmpp:message-retract:1"
MODERATE: Final = "urn:xmpp:message-moderate:1"
OLD_RETRACT: Final = "urn:xmpp:message-retract:0"
OLD_MODERATE: Final = "urn:xmpp:message-moderate:0"
FASTEN: Final = "urn:xmpp:fasten:0"
FALLBACK: Final = "urn:xmpp:fallback:0"


class Taken(msgspec.Struct, frozen=True):
    """A retraction as it stands in a message. ``by``: the moderator, where there is one."""

    id: str
    moderated: bool = False
    by: str = ""
    reason: str = ""


def read_retract(element: Element) -> Taken | None:
    """``<retract/>`` or the tombstone ``<retracted/>`` (XEP-0424), moderated or not (XEP-0425)."""
    moderated = element.find(f"{{{MODERATE}}}moderated")
    return Taken(
        element.get("id", "")[:MAX_ID],
        moderated is not None,
        moderated.get("by", "") if moderated is not None else "",
        element.findtext(f"{{{RETRACT}}}reason") or element.findtext(f"{{{MODERATE}}}reason") or "",
    )


def read_fastened(element: Element) -> Taken | None:
    """The same as it was before: inside ``<apply-to/>`` (XEP-0422)."""
    key = element.get("id", "")[:MAX_ID]
    if element.find(f"{{{OLD_RETRACT}}}retract") is not None:
        return Taken(key)
    moderated = element.find(f"{{{OLD_MODERATE}}}moderated")
    if moderated is None or moderated.find(f"{{{OLD_RETRACT}}}retract") is None:
        return None
    return Taken(key, True, moderated.get("by", ""), moderated.findtext(f"{{{OLD_MODERATE}}}reason") or "")


def read_old_tombstone(element: Element) -> Taken | None:
    """``<moderated/>`` as it stood in archives before."""
    if element.find(f"{{{OLD_RETRACT}}}retracted") is None:
        return None
    return Taken("", True, element.get("by", ""), element.findtext(f"{{{OLD_MODERATE}}}reason") or "")


def correction(inbound: Inbound, _archived: bool) -> Act | None:
    """What a message with ``<replace/>`` does. One without a text corrects nothing."""
    if not inbound.parts.get("body"):
        return None
    return Act(kind="edit", target=cast("str", inbound.parts["replace"]))


def retraction(inbound: Inbound, _archived: bool) -> Act | None:
    """What a message with ``<retract/>`` does. Whether its sender may, history looks at."""
    taken = cast("Taken", inbound.parts.get("retract") or inbound.parts.get("fastened"))
    if not taken.id:
        return None
    kind = "moderate" if taken.moderated else "retract"
    return Act(kind=kind, target=taken.id, by=taken.by, reason=taken.reason)  # type: ignore[arg-type]  # a str to mypy


def tombstone(inbound: Inbound, archived: bool) -> Act | None:
    """What is left of a retracted message: believed from an archive alone."""
    if not archived:
        return None
    taken = cast("Taken", inbound.parts.get("retracted") or inbound.parts.get("old-tombstone"))
    kind = "moderate" if taken.moderated else "retract"
    return Act(kind=kind, by=taken.by, reason=taken.reason, applied=True)  # type: ignore[arg-type]  # as above


class EditsProtocol:
    """Registers with the wires and with chat."""

    def __init__(self, wires: Wires, chat: Chat) -> None:
        decoders = wires.shared.decoders
        decoders.add(
            f"{{{CORRECT}}}replace", "replace", lambda element: element.get("id", "")[:MAX_ID] or None
        )
        decoders.add(f"{{{RETRACT}}}retract", "retract", read_retract)
        decoders.add(f"{{{RETRACT}}}retracted", "retracted", read_retract)
        decoders.add(f"{{{FASTEN}}}apply-to", "fastened", read_fastened)
        decoders.add(f"{{{OLD_MODERATE}}}moderated", "old-tombstone", read_old_tombstone)
        wires.shared.disco.add_feature(CORRECT, RETRACT, MODERATE)
        for part, read in (
            ("replace", correction),
            ("retract", retraction),
            ("fastened", retraction),
            ("retracted", tombstone),
            ("old-tombstone", tombstone),
        ):
            chat.reads(part, read)
        chat.writes("edit", write_edit)
        chat.writes("retract", write_retract)

    async def moderate(self, link: Link, room: str, key: str, reason: str) -> None:
        """Ask a room to take a message away. ``refused``."""
        session = cast("Account", link.session).session
        named = escape(key)
        said = f"<reason>{escape(reason)}</reason>" if reason else ""
        try:
            features = (await session.disco_info(room)).features
            if MODERATE in features:
                payload = (
                    f"<moderate id='{named}' xmlns='{MODERATE}'><retract xmlns='{RETRACT}'/>{said}</moderate>"
                )
            elif OLD_MODERATE in features:
                payload = (
                    f"<apply-to id='{named}' xmlns='{FASTEN}'><moderate xmlns='{OLD_MODERATE}'>"
                    f"<retract xmlns='{OLD_RETRACT}'/>{said}</moderate></apply-to>"
                )
            else:
                raise SalutError("refused", _("The server of {} does not offer moderation.").format(room))
            await session.iq("set", payload, room)
        except StanzaError as problem:
            words = _("{} did not take the message away: {}").format(room, problem.text or problem.condition)
            raise SalutError("refused", words, {"condition": problem.condition}) from None


def write_edit(own: OwnAct) -> str:
    """XEP-0308 section 3; the new text stands in the message around it."""
    return f"<replace id='{escape(own.act.target)}' xmlns='{CORRECT}'/>"


def write_retract(own: OwnAct) -> str:
    """XEP-0424 section 4, with words for those who do not know it (XEP-0428). Not translated: others read them."""
    return (
        f"<retract id='{escape(own.act.target)}' xmlns='{RETRACT}'/><fallback xmlns='{FALLBACK}' for='{RETRACT}'/>"
        "<body>/me retracted a previous message, but it's unsupported by your client.</body>"
    )
