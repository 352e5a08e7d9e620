# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which addresses an entry of the block list covers (XEP-0191 section 5). No I/O."""

from __future__ import annotations

from collections.abc import Set as AbstractSet


def covers(blocked: AbstractSet[str], address: str) -> bool:
    """Whether ``address`` as servers write it is blocked: it, its bare address, or its domain with or without the
    resource. Subdomains are others."""
    bare, slash, resource = address.partition("/")
    bare = bare.lower()
    domain = bare.rpartition("@")[2]
    if bare in blocked or domain in blocked:
        return True
    return bool(slash) and (f"{bare}/{resource}" in blocked or f"{domain}/{resource}" in blocked)
