# SPDX-License-Identifier: AGPL-3.0-or-later
"""News of outages (XEP-0455): what a page says, and when to ask again. No I/O."""

from __future__ import annotations

import json
import locale
import re
from collections.abc import Sequence
from typing import Final

from salut.model import moment
from salut.plugins.server.api import Outage

HTTPS: Final = re.compile(
    r"https://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#][!-~]*)?\Z"
)
"""An address of a page, in ASCII and without a user's name in it: what can be written otherwise may turn into an IP
address on its way, which nobody then looks at."""
MOST_PAGES: Final = 5
MAX_URL: Final = 2_000
MAX_MESSAGE: Final = 2_000
ONLINE_SECONDS: Final = 1_800.0
OFFLINE_SECONDS: Final = 300.0


class PageError(Exception):
    """A page could not be fetched, or says nothing that can be understood."""


def port_of(url: re.Match[str]) -> int:
    """The port of an address that ``HTTPS`` matched."""
    return int(url["port"] or 443)


def pages(values: Sequence[str]) -> list[str]:
    """The addresses that a server names, those that we would ask."""
    good = [value.strip() for value in values[:50] if len(value) <= MAX_URL and HTTPS.match(value.strip())]
    return list(dict.fromkeys(good))[:MOST_PAGES]


def read(page: bytes, source: str, languages: Sequence[str]) -> Outage | None:
    """What a page says: an outage, or none for an empty object. Raises ``PageError``."""
    try:
        said = json.loads(page)
    except (ValueError, RecursionError):
        raise PageError("the page is not JSON") from None
    if not isinstance(said, dict):
        raise PageError("the page is no JSON object")
    if not said:
        return None
    try:
        beginning = moment.parse(str(said.get("beginning"))[:40])
        end = moment.parse(str(said["expected_end"])[:40]) if "expected_end" in said else 0
    except (ValueError, OverflowError):
        raise PageError("the page says no time that can be understood") from None
    return Outage(
        beginning=max(beginning, 0),
        expected_end=max(end, 0),
        planned=said.get("planned") is True,
        message=_words(said.get("message"), languages),
        source=source,
    )


def _words(message: object, languages: Sequence[str]) -> str:
    if not isinstance(message, dict):
        return ""
    for language in (*languages, "default"):
        words = message.get(language)
        if isinstance(words, str) and words.strip():
            return words.strip()[:MAX_MESSAGE]
    return ""


def languages() -> list[str]:
    """The languages of the person whose daemon this is, the best first: ``de-AT``, ``de``."""
    name = (locale.getlocale()[0] or "").replace("_", "-")
    return list(dict.fromkeys(part for part in (name, name.partition("-")[0]) if part and part != "C"))
