# SPDX-License-Identifier: AGPL-3.0-or-later
"""Hooks as ``jp hook list`` shows them."""

from __future__ import annotations

import json
import shlex

from salut.frontends.cli import show
from salut.frontends.cli.hooks.book import Hook
from salut.frontends.cli.hooks.ledger import Result
from salut.frontends.cli.shapes import iso
from salut.model.words import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object


def columns(hook: Hook, result: Result | None, queued: int) -> tuple[str, ...]:
    """Name, filter, command, how often it ran, and the last run's end."""
    fate = _("never ran")
    if result is not None:
        fate = _("{} runs, {} failed").format(result.ran, result.failed)
    if queued:
        fate += _(", {} wait").format(queued)
    last = ""
    if result is not None:
        code = "-" if result.exit is None else str(result.exit)
        last = f"{show.when(result.at)} [{code}] {result.words}"
    return (hook.name, _filter(hook), shlex.join(hook.command), fate, last)


def _filter(hook: Hook) -> str:
    parts = [hook.on]
    parts += [
        f"{name}={value}"
        for name, value in (
            ("profile", hook.profile),
            ("conversation", hook.conversation),
            ("from", hook.sender),
            ("match", hook.match),
        )
        if value
    ]
    parts += [name for name in ("incoming", "mention", "every") if getattr(hook, name)]
    return " ".join(parts)


def document(hook: Hook, result: Result | None, queued: int) -> Object:
    """A hook as ``--json`` shows it."""
    shown: Object = {
        "name": hook.name, "on": hook.on, "command": [*hook.command], "shell": hook.shell, "timeout": hook.timeout,
        "profile": hook.profile, "conversation": hook.conversation, "from": hook.sender, "match": hook.match,
        "incoming": hook.incoming, "mention": hook.mention, "every": hook.every, "added": iso(hook.added),
        "queued": queued,
    }  # fmt: skip
    ran = result is not None and result.at
    shown["ran"] = result.ran if result is not None else 0
    shown["failed"] = result.failed if result is not None else 0
    shown["last_at"] = iso(result.at) if result is not None and ran else None
    shown["exit"] = result.exit if result is not None else None
    shown["words"] = result.words if result is not None else ""
    return shown


def failure(found: tuple[int, str, str]) -> Json:
    """A failure, the same."""
    at, change, words = found
    return {"at": iso(at), "words": words, "change": json.loads(change) if change else None}
