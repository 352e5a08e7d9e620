# SPDX-License-Identifier: AGPL-3.0-or-later
"""Presence decides: what we tell is kept and told on each fresh session; what contacts tell passes by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from salut.api.ports import Read, SqlRow, Tx
from salut.engine.plugin import Host
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.presence.api import IsRoom, Presence, PresenceApi, Show, Status, StatusHook
from salut.plugins.presence.resources import MAX_TEXT, Crowd, Heard

if TYPE_CHECKING:
    from salut.plugins.presence.protocol import PresenceProtocol

KEY: Final = "status"
SELECT: Final = "SELECT show, status, rev FROM status WHERE pid=?"


def of_row(row: SqlRow) -> Status:
    """A row of ``SELECT``."""
    r: tuple[Any, ...] = row
    return Status(show=r[0], status=r[1])


def store(tx: Tx, status: Status) -> None:
    """Keep our status; no change where nothing changes."""
    row = tx.one(SELECT, (tx.pid,))
    if row is not None and of_row(row) == status:
        return
    tx.execute(
        "INSERT OR REPLACE INTO status (pid, show, status, rev) VALUES (?,?,?,?)",
        (tx.pid, status.show, status.status, tx.next_seq()),
    )
    tx.change(KEY, KEY, status)


class PresenceService(PresenceApi):
    """The contract's methods, and the port ``PresencePort``."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._own: dict[str, Status] = {}
        self._told: dict[str, Status] = {}  # what the server knows of, in this session
        self._crowds: dict[str, Crowd] = {}
        self._hooks: list[StatusHook] = []
        self._is_room: IsRoom = lambda _profile, _bare: False
        self._is_contact: Callable[[str, str], bool] = lambda _profile, _bare: False
        self.protocol: PresenceProtocol

    # Other plugins (the port)
    def on_status(self, hook: StatusHook) -> None:
        """See ``PresencePort``."""
        self._hooks.append(hook)

    def rooms(self, is_room: IsRoom) -> None:
        """See ``PresencePort``."""
        self._is_room = is_room

    def told(self, profile: str) -> bool:
        """See ``PresencePort``."""
        return profile in self._told

    def again(self, profile: str) -> None:
        """See ``PresencePort``."""
        if profile in self._told:
            self._tell(profile)

    def contacts(self, is_contact: Callable[[str, str], bool]) -> None:
        """Whom the roster knows; others are bounded more tightly."""
        self._is_contact = is_contact

    # Windows
    async def list(self, *, profile: str) -> list[Presence]:
        crowd = self._crowds.get(profile)
        return crowd.all() if crowd is not None else []

    async def status(self, *, profile: str) -> Status:
        if profile not in self._own:
            pid = self._host.pid(profile)

            def read(store: Read) -> SqlRow | None:
                return store.one(SELECT, (pid,))

            row = await self._host.readers.read(read)
            self._own.setdefault(profile, of_row(row) if row is not None else Status())
        return self._own[profile]

    async def set(self, *, profile: str, show: Show = "online", status: str = "") -> Status:
        if len(status) > MAX_TEXT:
            raise SalutError(
                "too-large",
                _("A status has at most {} characters.").format(MAX_TEXT),
                {"field": "status", "limit": MAX_TEXT},
            )
        new = Status(show=show, status=status)
        await self._host.journal.commit(profile, lambda tx: store(tx, new))
        self._own[profile] = new
        self._tell(profile)
        return new

    # Sessions
    async def begin(self, profile: str, resumed: bool) -> None:
        """A session stands. A resumed one is told only what changed while the line was cut."""
        if not resumed:
            self._told.pop(profile, None)
        status = await self.status(profile=profile)
        if self._told.get(profile) != status:
            self._tell(profile)

    def end(self, profile: str) -> None:
        """The session is lost: nobody is known to be reachable."""
        self._told.pop(profile, None)
        self._crowds.pop(profile, None)
        self._host.journal.drop_passing(profile, "presence")

    def forget(self, profile: str) -> None:
        """The profile's session object is gone, maybe for good."""
        self._own.pop(profile, None)

    def _tell(self, profile: str) -> None:
        if not self._host.is_online(profile):
            return
        status = self._own[profile]
        fresh_and_invisible = status.show == "offline" and profile not in self._told
        if not fresh_and_invisible and not self.protocol.announce(self._host.link(profile), status):
            return
        self._told[profile] = status
        for hook in self._hooks:
            hook(profile, status)

    # Contacts
    def heard(self, profile: str, bare: str, resource: str, said: Heard | None) -> None:
        """A resource of ``bare`` says something; ``None``: it is unavailable."""
        if self._is_room(profile, bare):
            return
        crowd = self._crowds.setdefault(profile, Crowd())
        if said is None:
            changed = crowd.gone(bare, resource)
        else:
            changed = crowd.heard(bare, resource, said, stranger=not self._is_contact(profile, bare))
        self._host.journal.passing_many(profile, [("presence", each, crowd.best(each)) for each in changed])
