# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests whose errors go straight to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from salut.model.errors import SalutError
from salut.model.words import _
from salut.xmpp.errors import StanzaError
from salut.xmpp.iqs import Kind

if TYPE_CHECKING:
    from salut.xmpp.router import Account


async def ask(account: Account, kind: Kind, payload: str, to: str = "") -> Element:
    """Ask and wait for the result. ``not-connected``, ``timeout``, or ``refused`` with ``data.condition``."""
    try:
        return await account.session.iq(kind, payload, to)
    except StanzaError as error:
        if error.condition == "not-connected":
            raise SalutError("not-connected", str(error), {"profile": account.profile}) from None
        whom = to or _("The server")
        if error.condition == "remote-server-timeout":
            raise SalutError("timeout", _("{} did not answer in time. Try again.").format(whom)) from None
        raise SalutError(
            "refused",
            _("{} refused: {}").format(whom, error.text or error.condition),
            {"condition": error.condition},
        ) from None
