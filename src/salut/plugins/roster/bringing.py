# SPDX-License-Identifier: AGPL-3.0-or-later
"""Contacts that leave with an export and come with an import: names and groups, never subscriptions."""

from __future__ import annotations

from collections.abc import Sequence

from salut.api.ports import Read
from salut.plugins.roster import ledger
from salut.plugins.roster.api import Contact, Groups


def dump(read: Read, pid: int, after: str, limit: int) -> Sequence[tuple[str, Contact]]:
    """Contacts by address, those who merely ask included."""
    return [(contact.address, contact) for contact in ledger.page(read, pid, None, after, limit)]


def wanted(old: Contact | None, new: Contact) -> tuple[str, Groups] | None:
    """Name and groups that a contact gets from an import; ``None``: nothing to do.

    A name that is there stays, groups are added: what the person did here since counts.
    """
    if not new.in_roster:
        return None  # a stranger's request belongs to the old server
    if old is None or not old.in_roster:
        return new.name, sorted(set(new.groups))
    name, groups = old.name or new.name, sorted({*old.groups, *new.groups})
    return None if (name, groups) == (old.name, sorted(old.groups)) else (name, groups)
