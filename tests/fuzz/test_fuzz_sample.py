# SPDX-License-Identifier: AGPL-3.0-or-later
"""A fixed sample of ``make fuzz``, and a test for each fault that it has found."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element, fromstring

import pytest

from devkit.fuzz.run import Wish, run
from salut.model.owner import TaskOwner
from salut.xmpp.client import SalutClient
from salut.xmpp.decode import Decoders
from salut.xmpp.iqs import IqTable, Pending
from salut.xmpp.receive import Receiver
from salut.xmpp.tls import SharedTls
from tests.xmpp.support import Notes


def test_hostile_input_leaves_the_daemon_and_other_windows_unharmed(tmp_path: Path) -> None:
    report = run(Wish(seed=1, stanzas=3_000, raw=1_000, frames=600), tmp_path)
    assert not report.failures, report.text()
    assert report.total >= 4_600
    assert report.reconnects >= 1


class _Stream:
    """What a receiver says, with slixmpp's own way behind it."""

    jid = "user@localhost/salut"

    def __init__(self) -> None:
        self.said: list[str] = []
        owner = TaskOwner(lambda name, error: pytest.fail(f"{name}: {error}"))
        context = SharedTls().context(verify=False)
        self._client = SalutClient(self.jid, context, owner, self.said.append, lambda *_: None)

    def reply(self, text: str) -> None:
        self.said.append(text)

    def classic(self, element: Element) -> bool:
        return self._client.dispatch(element)


async def test_a_request_with_an_error_inside_is_answered() -> None:
    """Found by `make fuzz`: slixmpp makes such a stanza of the type error while it looks at it."""
    stream = _Stream()
    notes = cast("Any", Notes())
    owner = TaskOwner(lambda name, error: pytest.fail(f"{name}: {error}"))
    receiver = Receiver(cast("Any", stream), lambda _: None, owner, notes, Decoders(), IqTable(), Pending())
    receiver.stanza(
        fromstring("<iq xmlns='jabber:client' from='a@b/c' id='z1' type='set'><error type='cancel'/></iq>")
    )
    assert len(stream.said) == 1
    assert "service-unavailable" in stream.said[0] and "z1" in stream.said[0]
