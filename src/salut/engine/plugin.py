# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a plugin is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

import msgspec
import structlog

from salut.api.contract import Contract, Service
from salut.api.core import ProfilesApi
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.context import CURRENT
from salut.engine.database import Readers
from salut.engine.journal import Journal
from salut.engine.settings import Settings
from salut.engine.vault import Vault
from salut.model.errors import SalutError
from salut.model.owner import TaskOwner
from salut.model.words import _

if TYPE_CHECKING:
    from salut.engine.tasks import Tasks
    from salut.engine.windows import Windows

T = TypeVar("T")


class Link(msgspec.Struct, frozen=True):
    """A profile's session as its plugins see it: opaque here, an ``xmpp.Session`` for a ``protocol.py``."""

    profile: str
    pid: int
    address: str
    session: object


class Plugin:
    """One feature. Subclass it in ``plugin.py`` of the feature's folder; the entry point names the class.

    ``needs`` must be there, ``prefers`` may be. ``migrations`` is the package that holds the Alembic
    revisions of its tables, ``schema`` the newest of them.
    """

    name: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    prefers: ClassVar[tuple[str, ...]] = ()
    contract: ClassVar[Contract]
    schema: ClassVar[str] = ""
    tables: ClassVar[tuple[str, ...]] = ()  # with a column pid: emptied when a profile is deleted

    def __init__(self, host: Host) -> None:
        self.host = host

    def services(self) -> Sequence[Service]:
        """The objects that answer the contract's methods."""
        return ()

    def port(self) -> object | None:
        """What other plugins use of it (the Protocol in its ``api.py``)."""
        return None

    async def start(self) -> None:
        """Called once, before any profile connects."""

    async def stop(self) -> None:
        """Called once, after all profiles have disconnected."""

    def wire(self, link: Link) -> None:
        """A profile's session was made: register decoders and handlers. Called once for each session."""

    def unwire(self, profile: str) -> None:
        """The session is gone (profile deleted)."""

    async def opening(self, profile: str) -> None:
        """A fresh session stands and no plugin has said anything on it yet; ``online`` follows for all."""

    async def online(self, profile: str, resumed: bool) -> None:
        """The profile has a link now. ``resumed``: the server kept the old session (XEP-0198)."""

    def offline(self, profile: str) -> None:
        """The profile has lost its link for good (not resumed)."""

    def refused(self, profile: str, code: str) -> None:
        """The server refuses the login for good; ``code`` is why (``not-authorized``, …)."""

    def snapshot(self, read: Read, profile: str, pid: int, limit: int) -> Iterable[Item]:
        """Objects of this plugin's ``snapshot`` kinds that a new window sees. Runs in a reader thread."""
        return ()

    def forget(self, tx: Tx, pid: int) -> None:
        """The profile is deleted: empty what belongs to it beside ``tables``."""


@dataclass(frozen=True)
class Host:
    """What the daemon gives a plugin."""

    journal: Journal
    readers: Readers
    tasks: Tasks
    owner: TaskOwner
    log: structlog.stdlib.BoundLogger
    ports: dict[str, object]
    links: dict[str, Link]
    is_online: Callable[[str], bool]
    vault: Vault
    wires: object  # salut.xmpp.router.Wires, for protocol.py alone
    settings: Settings
    address: Callable[[str], str]  # of a profile's account, connected or not
    windows: Windows
    profiles: ProfilesApi

    def need(self, plugin: str, port: type[T]) -> T:
        """The port of a plugin named in ``needs``. ``port`` is its Protocol, for the type checker."""
        return self.ports[plugin]  # type: ignore[return-value]  # Protocols are structural; the name decides

    def prefer(self, plugin: str, port: type[T]) -> T | None:
        """The port of a plugin named in ``prefers``, if it is there."""
        return self.ports.get(plugin)  # type: ignore[return-value]  # as above

    def link(self, profile: str) -> Link:
        """The session of a profile that is online. ``SalutError('not-connected')`` otherwise."""
        link = self.links.get(profile)
        if link is None or not self.is_online(profile):
            raise SalutError(
                "not-connected",
                _(
                    "Profile {0} is not connected. See why: jp profile list; try now: jp profile connect {0}"
                ).format(profile),
                {"profile": profile},
            )
        return link

    def visible(self) -> list[str]:
        """The profiles that the calling window may know of."""
        context = CURRENT.get()
        seen = context.profiles if context is not None else None
        return [name for name in self.journal.journals.pids if name and (seen is None or name in seen)]

    def pid(self, profile: str) -> int:
        """The number of a profile in tables. ``SalutError('not-found')``."""
        try:
            return self.journal.journals.pids[profile]
        except KeyError:
            raise SalutError("not-found", _("There is no profile {}.").format(profile)) from None
