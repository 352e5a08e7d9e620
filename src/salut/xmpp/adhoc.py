# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands that a server offers (XEP-0050), from the side of who runs them: one after the other, to their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol
from xml.etree.ElementTree import Element

from salut.model.form import Answers, Form
from salut.xmpp.disco import ITEMS
from salut.xmpp.errors import StanzaError
from salut.xmpp.forms import find_form, submit
from salut.xmpp.iqs import Kind
from salut.xmpp.xmltext import attributes

COMMANDS: Final = "http://jabber.org/protocol/commands"
MOST_STEPS: Final = 10
MOST_COMMANDS: Final = 500
MAX_NOTE: Final = 1000

Fill = Callable[[Form], Answers]


class Asker(Protocol):
    """What is needed of a session."""

    def iq(
        self, kind: Kind, payload: Element | str, to: str = "", timeout: float = 30.0
    ) -> Awaitable[Element]: ...


async def offered(session: Asker, to: str) -> set[str]:
    """The nodes of the commands that ``to`` offers us. Raises ``StanzaError``."""
    answer = await session.iq("get", f"<query xmlns='{ITEMS}' node='{COMMANDS}'/>", to)
    return {
        item.get("node", "") for item in answer.findall(f"{{{ITEMS}}}query/{{{ITEMS}}}item")[:MOST_COMMANDS]
    }


async def run(session: Asker, to: str, node: str, fill: Fill) -> Form:
    """Run a command, ``fill`` in what it asks, and return what it says at its end (an empty form for nothing).

    Raises ``StanzaError``, also where the command ends with an error note, or does not end.
    """
    payload = f"<command xmlns='{COMMANDS}'{attributes(node=node)} action='execute'/>"
    for _ in range(MOST_STEPS):
        command = (await session.iq("set", payload, to)).find(f"{{{COMMANDS}}}command")
        if command is None or command.get("node") != node:
            raise StanzaError("undefined-condition", "the answer is none to a command")
        for note in command.findall(f"{{{COMMANDS}}}note"):
            if note.get("type") == "error":
                raise StanzaError("not-allowed", (note.text or "").strip()[:MAX_NOTE])
        form = find_form(command) or Form()
        if command.get("status") == "completed":
            return form
        if command.get("status") != "executing":
            raise StanzaError("undefined-condition", "the command was cancelled")
        session_id = command.get("sessionid", "")
        payload = (
            f"<command xmlns='{COMMANDS}'{attributes(node=node, sessionid=session_id, action=_action(command))}>"
            f"{submit(fill(form), form.type)}</command>"
        )
    raise StanzaError("policy-violation", f"the command did not end in {MOST_STEPS} steps")


def _action(command: Element) -> str:
    """How to go on: what the command proposes, else to its end (section 3.4)."""
    actions = command.find(f"{{{COMMANDS}}}actions")
    proposed = actions.get("execute", "") if actions is not None else ""
    if proposed in ("next", "complete"):
        return proposed
    following = actions is not None and actions.find(f"{{{COMMANDS}}}next") is not None
    return "next" if following else "complete"
