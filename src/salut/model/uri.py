# SPDX-License-Identifier: AGPL-3.0-or-later
"""Links that begin with ``xmpp:`` (RFC 5122), with the actions of XEP-0147, and the web pages that hide them."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote, urlsplit

import msgspec

from salut.model import address as addresses
from salut.model.errors import SalutError, invalid
from salut.model.words import _

MAX_LINK: Final = 4096  # characters
MOST_PARAMETERS: Final = 20
SCHEME: Final = "xmpp:"


class XmppUri(msgspec.Struct, frozen=True):
    """``xmpp:ADDRESS?ACTION;KEY=VALUE;…``. ``action`` is empty where there is none."""

    address: str
    action: str = ""
    parameters: dict[str, str] = {}

    def __str__(self) -> str:
        local, at, domain = self.address.rpartition("@")
        text = f"{SCHEME}{quote(local, safe='')}{at}{quote(domain, safe='/:[]')}"
        if not self.action:
            return text
        more = "".join(f";{quote(k, safe='')}={quote(v, safe='')}" for k, v in self.parameters.items())
        return f"{text}?{quote(self.action, safe='')}{more}"


def parse(link: str) -> XmppUri:
    """Read a link. The fragment of a web page's address counts too: landing pages of invitations carry the
    link there (XEP-0379 section 3.3). ``invalid`` for what is none, or longer than ``MAX_LINK``."""
    text = link.strip()
    if len(text) > MAX_LINK:
        raise invalid("link", _("The link has more than {} characters.").format(MAX_LINK))
    if text[:8].lower() == "https://":
        text = SCHEME + unquote(urlsplit(text).fragment).removeprefix(SCHEME)
    if text[: len(SCHEME)].lower() != SCHEME or text.startswith(f"{SCHEME}//"):
        raise _no_link(link)
    path, _question, query = text[len(SCHEME) :].partition("#")[0].partition("?")
    action, *rest = query.split(";")
    parameters: dict[str, str] = {}
    for part in rest[:MOST_PARAMETERS]:
        key, _equals, value = part.partition("=")
        # A plus stands for a space in names, as XEP-0379's example has it; addresses are not written so.
        parameters.setdefault(unquote(key), unquote(value.replace("+", " ") if key == "name" else value))
    try:
        address = addresses.normal(unquote(path))
    except SalutError:
        raise _no_link(link) from None
    return XmppUri(address, unquote(action), parameters)


def _no_link(link: str) -> SalutError:
    return invalid("link", _("“{}” is no XMPP link; it begins with xmpp:").format(link.strip()[:80]))
