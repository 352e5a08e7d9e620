# SPDX-License-Identifier: AGPL-3.0-or-later
"""What all sessions of one daemon share. Free of slixmpp, so that features can register before it is imported."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from salut.xmpp.decode import Decoders
from salut.xmpp.disco import CapsCache, Disco
from salut.xmpp.iqs import IqTable
from salut.xmpp.resolve import Dns, SharedDns
from salut.xmpp.tls import SharedTls


class Shared(msgspec.Struct):
    """What all sessions of one daemon share: the tables that features fill, and costly things.

    ``presence``: each gives, for a bare address of ours, what it adds as XML to each presence that is broadcast.
    """

    decoders: Decoders
    iqs: IqTable
    disco: Disco
    tls: SharedTls
    dns: Dns
    caps: CapsCache
    presence: list[Callable[[str], str]] = []

    @classmethod
    def fresh(cls, node: str = "https://salut.invalid/caps", name: str = "Salut") -> Shared:
        """Tables with what belongs to every client: disco, caps, ping."""
        shared = cls(Decoders(), IqTable(), Disco(node, name), SharedTls(), SharedDns(), CapsCache())
        shared.disco.register(shared.iqs)
        return shared
