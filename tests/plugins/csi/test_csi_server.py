# SPDX-License-Identifier: AGPL-3.0-or-later
"""The server learns whether somebody looks (XEP-0352)."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.servers import XmppServer
from salut.api.core import Window
from salut.xmpp.session import Session
from tests.engine_kit import EngineKit, running_engine


def look(kit: EngineKit, focused: bool) -> None:
    """Somebody looks at a window, or away."""
    kit.engine.windows.update(
        Window(id="w", name="w", kind="console", version="", since=0, binding="unix", focused=focused)
    )


async def test_the_server_is_told_who_looks(
    server: XmppServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        sent: list[str] = []
        send = Session.send_nonza

        def spy(self: Session, xml: str) -> None:
            if self.config.jid.startswith(alice.jid):
                sent.append(xml)
            send(self, xml)

        monkeypatch.setattr(Session, "send_nonza", spy)
        kit.engine.windows.add(
            Window(id="w", name="w", kind="console", version="", since=0, binding="unix"),
            lambda: None,
            lambda: 0,
        )
        kit.watch(False)
        look(kit, True)
        look(kit, False)
        look(kit, True)
        assert sent == [f"<{word} xmlns='urn:xmpp:csi:0'/>" for word in ("inactive", "active")]
        await kit.call("chat.send", profile="bob", to=alice.jid, body="still there", wait="delivered")
        await kit.call("profiles.disconnect", profile="alice")
        await kit.call("profiles.connect", profile="alice", wait=20)
        look(kit, False)

        async def told() -> bool:
            return sent[2:] == ["<inactive xmlns='urn:xmpp:csi:0'/>"]

        await kit.until(told)
