# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reactions between stanzas and structs (XEP-0444)."""

from __future__ import annotations

from typing import Final, cast
from xml.etree.ElementTree import Element

from salut.plugins.chat.api import Chat
from salut.plugins.history.api import Act, OwnAct
from salut.xmpp.decode import Inbound
from salut.xmpp.messages import MAX_ID
from salut.xmpp.router import Wires
from salut.xmpp.xmltext import escape

REACTIONS: Final = "urn:xmpp:reactions:0"
MOST: Final = 50  # looked at; fewer are kept


def read_reactions(element: Element) -> Act | None:
    """All reactions of one person to one message; none of them takes back what was there."""
    found = [child.text or "" for child in element.findall(f"{{{REACTIONS}}}reaction")[:MOST]]
    target = element.get("id", "")[:MAX_ID]
    return Act(kind="react", target=target, reactions=found) if target else None


def reaction(inbound: Inbound, _archived: bool) -> Act | None:
    """What a message with ``<reactions/>`` does."""
    return cast("Act", inbound.parts["reactions"])


def write_reactions(own: OwnAct) -> str:
    """Section 3.1."""
    inner = "".join(f"<reaction>{escape(emoji)}</reaction>" for emoji in own.act.reactions)
    return f"<reactions id='{escape(own.act.target)}' xmlns='{REACTIONS}'>{inner}</reactions>"


class ReactionsProtocol:
    """Registers with the wires and with chat."""

    def __init__(self, wires: Wires, chat: Chat) -> None:
        wires.shared.decoders.add(f"{{{REACTIONS}}}reactions", "reactions", read_reactions)
        wires.shared.disco.add_feature(REACTIONS)
        chat.reads("reactions", reaction)
        chat.writes("react", write_reactions)
