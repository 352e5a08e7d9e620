# SPDX-License-Identifier: AGPL-3.0-or-later
"""One account's live stream to its server: reconnect, authentication, stream management, decoding.

Floor 2. Knows no storage and no feature. Only ``client``, ``dispatch`` and ``session`` import slixmpp
(it costs 120 ms); everything else here is free of it, so that setup and doctor stay light.

Three stages, each testable without the next: state machines without I/O (``link``, ``liveness``, ``sm``,
``scram``, ``parser``), coroutines over a small wire (``negotiate``, ``resolve``), and the shell that joins
them (``wire``, ``opening``, ``session``).
"""
