# SPDX-License-Identifier: AGPL-3.0-or-later
"""XMPP addresses (RFC 7622), as plain strings in one normal form."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from salut.model.errors import invalid
from salut.model.words import _

MAX_PART: Final = 1023  # bytes, RFC 7622 section 3.1
FORBIDDEN_LOCAL: Final = frozenset("\"&'/:<>@ ")  # RFC 7622 section 3.3.1


class Address(NamedTuple):
    """The parts of an address; an absent part is an empty string."""

    local: str
    domain: str
    resource: str

    @property
    def bare(self) -> str:
        """``local@domain`` or ``domain``."""
        return f"{self.local}@{self.domain}" if self.local else self.domain

    def __str__(self) -> str:
        return f"{self.bare}/{self.resource}" if self.resource else self.bare


@lru_cache(maxsize=4096)
def parse(text: str) -> Address:
    """Split and normalise an address. Raises ``SalutError('invalid')`` for what is none."""
    head, slash, resource = text.partition("/")
    local, at, domain = head.rpartition("@")
    local = unicodedata.normalize("NFC", local).lower()
    domain = unicodedata.normalize("NFC", domain).lower().rstrip(".")
    resource = unicodedata.normalize("NFC", resource)
    bad = (
        not domain
        or (at and not local)
        or (slash and not resource)
        or any(c in FORBIDDEN_LOCAL or not c.isprintable() for c in local)
        or any(c in "\"&'/<>@" or c.isspace() or not c.isprintable() for c in domain)
        or not resource.isprintable()
        or max(len(local.encode()), len(domain.encode()), len(resource.encode())) > MAX_PART
    )
    if bad:
        raise invalid(
            "address", _("“{}” is not an XMPP address; it looks like name@server").format(text[:80])
        )
    return Address(local, domain, resource)


def bare(text: str) -> str:
    """The address without its resource, normalised."""
    return parse(text).bare


def normal(text: str) -> str:
    """The whole address, normalised."""
    return str(parse(text))
