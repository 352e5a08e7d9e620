# SPDX-License-Identifier: AGPL-3.0-or-later
"""One command's talk with the daemon: connect when first needed, choose the profile, find whom TO means."""

from __future__ import annotations

import os

import salut.client.wire as wire  # not “from”: that would have salut.client look for it with importlib
from salut.model.errors import SalutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from salut.frontends.cli.shapes import Json, Object
    from salut.frontends.cli.spec import Given

SLACK = 5.0  # seconds that we wait for the daemon's own word on a time-out longer than the time-out


class Link:
    """A connection for one command. ``start``: whether the daemon may be started for it."""

    def __init__(self, given: Given | None = None, start: bool = True) -> None:
        named = given.maybe("profile") if given is not None else None
        self.named = named or os.environ.get("SALUT_PROFILE") or None
        self._start = start
        self._connection: wire.Connection | None = None
        self._profile: str | None = None

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def connection(self) -> wire.Connection:
        """The connection, made when it is first asked for."""
        if self._connection is None:
            self._connection = wire.connect(start=self._start)
        return self._connection

    def call(self, method: str, params: Object | None = None, wait: float = 0.0) -> Json:
        """Ask the daemon. ``wait``: seconds that the daemon itself may take over the question."""
        value: Json = self.connection.call(method, params, self._bound(wait)).value
        return value

    def write(self, method: str, params: Object, wait: float = 0.0) -> Json:
        """Have the daemon do something, once, even where the connection is lost on the way."""
        marked: Object = {**params, "op": wire.new_op()}
        try:
            return self.call(method, marked, wait)
        except SalutError as error:
            if error.code != "no-daemon" or self._connection is None:
                raise
        self.close()
        return self.call(method, marked, wait)

    def _bound(self, wait: float) -> float:
        return max(wire.CALL_SECONDS, wait + SLACK)

    def object(self, method: str, params: Object | None = None) -> Object:
        """Ask for one object."""
        return as_object(self.call(method, params))

    def profile(self) -> str:
        """The profile that the person chose, or the only one enabled. Raises ``ambiguous``, ``not-found``."""
        if self.named:
            return self.named
        if self._profile is None:
            from salut.frontends.cli import choose

            self._profile = choose.only_profile(self.call("profiles.list"))
        return self._profile

    def find(self, to: str) -> tuple[str, str]:
        """The profile and address that TO means: an address, or what the daemon knows by that name.

        Raises ``ambiguous`` with the candidates, or ``not-found``.
        """
        if "@" in to:
            return self.profile(), to
        found = self.object("names.resolve", {"profile": self.named, "text": to})
        profile, address = found.get("profile"), found.get("address")
        if not isinstance(profile, str) or not isinstance(address, str):
            raise SalutError("internal", f"names.resolve: {found}")
        return profile, address


def as_object(value: Json) -> Object:
    """``value`` if it is an object. Raises ``internal`` where the daemon answered something else."""
    if not isinstance(value, dict):
        raise SalutError("internal", f"no object: {str(value)[:100]}")
    return value
