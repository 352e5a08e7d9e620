# SPDX-License-Identifier: AGPL-3.0-or-later
"""Between the engine's links and the XMPP sessions: translates, decides nothing.

slixmpp costs 0.12 s to import, so sessions are touched only when a profile goes online, after the daemon
answers its windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from salut.engine.links import LinkConfig, LinkHooks
from salut.model.owner import TaskOwner
from salut.xmpp.config import SessionConfig
from salut.xmpp.router import Account, Wires

if TYPE_CHECKING:
    from salut.xmpp.session import Session


def session_config(config: LinkConfig) -> SessionConfig:
    """The session's view of a profile."""
    return SessionConfig(
        jid=config.address,
        password=lambda: config.password,
        host=config.host,
        port=config.port,
        direct_tls=config.direct_tls,
        ca_file=config.ca_file,
        pins=config.pins,
        resource=config.resource,
        plaintext=config.plaintext,
    )


class XmppLink:
    """``LinkControl`` over an ``xmpp.Session``."""

    def __init__(
        self, config: LinkConfig, hooks: LinkHooks, wires: Wires, log: structlog.stdlib.BoundLogger
    ) -> None:
        from salut.xmpp.session import Events, Session

        self._owner = TaskOwner(
            lambda name, error: log.error(
                "link task failed", task=name, profile=config.profile, exc_info=error
            )
        )
        router = wires.router
        account = Account.__new__(Account)
        account.profile = config.profile
        account.bare = config.address
        account.session = session = Session(
            session_config(config),
            Events(
                state=hooks.on_state,
                message=lambda inbound: router.route(account, inbound),
                session=hooks.on_session,
                acked=lambda keys: router.acked(account, keys),
                lost=lambda keys: router.lost(account, keys),
            ),
            owner=self._owner,
            log=log.bind(profile=config.profile),
            shared=wires.shared,
        )
        self._session: Session = session
        self._account = account

    @property
    def session(self) -> object:
        """The ``Account`` for protocol.py files."""
        return self._account

    def start(self) -> None:
        """Go online."""
        self._owner.spawn(self._session.start(), "start")

    def retry_now(self) -> None:
        """Wait no longer."""
        self._session.retry_now()

    def reconfigure(self, config: LinkConfig) -> None:
        """Take new values."""
        self._session.reconfigure(session_config(config))

    async def stop(self) -> None:
        """Go offline."""
        await self._session.stop()
        await self._owner.close()
