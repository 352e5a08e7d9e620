# SPDX-License-Identifier: AGPL-3.0-or-later
"""The SDK that every window uses: connect to the daemon, call it, and hold what it shares.

``salut.client.wire`` is the light face (fast start, plain values); ``aio`` the typed one; ``sync`` the same
without ``await``. Importing this package costs nothing: names are fetched when used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.client import aio as aio
    from salut.client import sync as sync
    from salut.client import wire as wire
    from salut.client.aio import Answer, Client, connect
    from salut.client.link import LinkView
    from salut.client.replica import Desync, Event, Replica, Reset, Update
    from salut.client.timeline import Load, Timeline
    from salut.client.transport import Opener, Transport, unix_opener
    from salut.client.wire import Connection, Reply, new_op

__all__ = [
    "Answer", "Client", "Connection", "Desync", "Event", "LinkView", "Load", "Opener", "Replica", "Reply",
    "Reset", "Timeline", "Transport", "Update", "connect", "new_op", "unix_opener",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Fetch a public name, or a module of this package, from where it lives (PEP 562)."""
    homes = {
        "aio": ("Answer", "Client", "connect"),
        "link": ("LinkView",),
        "replica": ("Desync", "Event", "Replica", "Reset", "Update"),
        "sync": (),
        "timeline": ("Load", "Timeline"),
        "transport": ("Opener", "Transport", "unix_opener"),
        "wire": ("Connection", "Reply", "new_op"),
    }
    for home, names in homes.items():
        if name in names or (name == home and name in ("aio", "sync", "wire")):
            from importlib import import_module  # not before: the light face asks here for its modules

            module = import_module(f"salut.client.{home}")
            return module if name == home else getattr(module, name)
    raise AttributeError(f"module 'salut.client' has no attribute {name!r}")
