# SPDX-License-Identifier: AGPL-3.0-or-later
"""Archive catch-up (XEP-0313): gaps are visible and can be filled. Contract of the plugin ``archive``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, Literal

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.page import Page

Policy = Literal["always", "never", "roster"]
GapState = Literal["open", "filling", "failed"]


class Gap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of an archive that may hold messages history lacks. It goes when it is filled."""

    id: int
    archive: str = ""  # "" the account's own, else a room's address
    after: str = ""  # archive id before the gap; empty: the beginning of the archive
    before: str = ""  # archive id after it; empty: the newest there
    low: int = 0  # places between which its messages will stand; 0: open
    high: int = 0
    since: int = 0  # moments between which it lies; 0: open
    until: int = 0
    fetched: int = 0  # archived messages seen so far
    manual: bool = False  # older than what was ever fetched here: waits to be asked for
    state: GapState = "open"
    error: str = ""


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest messages of one conversation inside a gap that is still open.

    Between ``place`` and the upper end of the gap nothing of this conversation is missing; below it, down to the
    gap's lower end, something may be (nothing, if ``whole``). It goes with its gap.
    """

    gap: int
    conversation: str
    place: int = 0
    whole: bool = False


class ArchivePreferences(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the server keeps of our messages (XEP-0441): those with the addresses of ``always``, none with those of
    ``never``, and of all others what ``default`` says (``roster``: those with contacts)."""

    default: Policy
    always: list[str] = []
    never: list[str] = []


class ArchiveApi(Service):
    """The server's archives."""

    service = "archive"

    @method()
    @abstractmethod
    async def gaps(self, *, profile: str) -> list[Gap]:
        """Stretches not fetched yet."""

    @method(scope="send", write=True)
    @abstractmethod
    async def fill(self, *, profile: str, gap: int | None = None) -> list[Gap]:
        """Fetch what is missing: one gap, or all. Returns the gaps that are left after at most a minute;
        what is still being fetched then goes on. ``not-connected``, ``not-found``."""

    @method(scope="send", write=True)
    @abstractmethod
    async def older(self, *, profile: str, conversation: str, limit: int = 100) -> Page[int]:
        """Fetch the newest messages of a conversation that history lacks: out of a gap that is still open, else
        older ones than it holds. Returns the new messages' ids.

        ``limit`` at most 100. ``before`` of the page is set while there are more. ``busy`` in the moment after
        the connection, until it is known what is missing.
        """


class PreferencesApi(Service):
    """What the server's archive keeps."""

    service = "archive"

    @method()
    @abstractmethod
    async def preferences(self, *, profile: str) -> ArchivePreferences:
        """Ask the server. ``unavailable`` where it does not let one choose."""

    @method(scope="send", write=True)
    @abstractmethod
    async def set_preferences(
        self,
        *,
        profile: str,
        default: Policy | None = None,
        always: list[str] | None = None,
        never: list[str] | None = None,
    ) -> ArchivePreferences:
        """Change them; what is absent stays. Each list at most 1,000 addresses. What is in force then is
        returned: a server may know better."""


CONTRACT: Final = Contract(
    plugin="archive",
    services=(ArchiveApi, PreferencesApi),
    kinds=(
        Kind("gap", Gap, "gap id", snapshot=True),
        Kind("head", Head, "gap id, space, conversation", snapshot=True),
    ),
)
