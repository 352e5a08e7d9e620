# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the account's archive keeps (XEP-0441): asked of the server each time, since other devices change it too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid
from salut.model.words import _
from salut.plugins.archive.api import ArchivePreferences, Policy, PreferencesApi
from salut.plugins.archive.query import ArchiveError

MOST_ADDRESSES: Final = 1_000


class Asks(Protocol):
    """What is asked of the network (``protocol.ArchiveProtocol``)."""

    async def preferences(self, link: Link, wanted: ArchivePreferences | None) -> ArchivePreferences: ...


class PreferencesService(PreferencesApi):
    """The contract's methods."""

    def __init__(self, host: Host, protocol: Asks) -> None:
        self._host = host
        self._protocol = protocol

    async def preferences(self, *, profile: str) -> ArchivePreferences:
        return await self._ask(profile, None)

    async def set_preferences(
        self,
        *,
        profile: str,
        default: Policy | None = None,
        always: Sequence[str] | None = None,
        never: Sequence[str] | None = None,
    ) -> ArchivePreferences:
        now = await self._ask(profile, None)
        given = {"always": now.always, "never": now.never}
        for field, named in (("always", always), ("never", never)):
            if named is not None:
                given[field] = sorted({addresses.bare(address) for address in named})
            if len(given[field]) > MOST_ADDRESSES:
                raise SalutError(
                    "too-large",
                    _("At most {} addresses.").format(MOST_ADDRESSES),
                    {"field": field, "limit": MOST_ADDRESSES},
                )
        both = sorted(set(given["always"]) & set(given["never"]))
        if both:
            raise invalid("never", _("{} cannot be kept always and never.").format(", ".join(both)[:200]))
        wanted = msgspec.structs.replace(now, default=default or now.default, **given)
        return await self._ask(profile, wanted)

    async def _ask(self, profile: str, wanted: ArchivePreferences | None) -> ArchivePreferences:
        link = self._host.link(profile)
        try:
            return await self._protocol.preferences(link, wanted)
        except ArchiveError as error:
            if error.condition == "not-connected":
                raise SalutError("not-connected", str(error), {"profile": profile}) from None
            if error.condition == "remote-server-timeout":
                raise SalutError("timeout", _("The server did not answer in time. Try again.")) from None
            if error.condition in ("feature-not-implemented", "service-unavailable"):
                raise SalutError(
                    "unavailable", _("The server does not let you choose what its archive keeps.")
                ) from None
            raise SalutError(
                "refused", _("The server refused: {}").format(error), {"condition": error.condition}
            ) from None
