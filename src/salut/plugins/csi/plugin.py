# SPDX-License-Identifier: AGPL-3.0-or-later
"""The plugin ``csi``."""

from __future__ import annotations

from salut.engine.plugin import Host, Plugin
from salut.plugins.csi import protocol
from salut.plugins.csi.api import CONTRACT


class CsiPlugin(Plugin):
    """Tells servers whether the person looks at any window (XEP-0352)."""

    name = "csi"
    contract = CONTRACT

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._told: dict[str, bool] = {}
        host.windows.on_change.append(self._changed)

    def _looked_at(self) -> bool:
        """Whether somebody looks, as far as windows tell: one that never says so is taken for looked at."""
        return self.host.windows.looked_at()

    def _changed(self) -> None:
        for profile in [*self._told]:
            self._tell(profile)

    async def online(self, profile: str, resumed: bool) -> None:
        """A resumed session is active again for the server (section 5); a fresh one as well."""
        self._told[profile] = True
        self._tell(profile)

    def offline(self, profile: str) -> None:
        self._told.pop(profile, None)

    def unwire(self, profile: str) -> None:
        self._told.pop(profile, None)

    def _tell(self, profile: str) -> None:
        looked_at = self._looked_at()
        if self._told[profile] == looked_at or not self.host.is_online(profile):
            return
        link = self.host.link(profile)
        if protocol.supported(link) and protocol.tell(link, looked_at):
            self._told[profile] = looked_at
