# SPDX-License-Identifier: AGPL-3.0-or-later
"""``salut doctor`` with accounts on a real server."""

from __future__ import annotations

from devkit.servers import PrivateServer
from tests.setup.home import Home
from tests.setup.test_doctor import look


def test_accounts_good_refused_and_without_server(home: Home, prosody: PrivateServer) -> None:
    home.start_daemon()
    settings = {"host": "127.0.0.1", "port": prosody.c2s_port, "ca_file": str(prosody.ca_file)}
    good, bad = prosody.account("good"), prosody.account("bad")
    home.call("profiles.create", name="good", address=good.jid, password=good.password, settings=settings)
    home.call("profiles.connect", profile="good", wait=20)
    home.call("profiles.create", name="bad", address=bad.jid, password="wrong", settings=settings)
    home.wait_for_link("bad", "refused")
    _, found = look(home)
    assert found["profile good"]["level"] == "ok"
    assert found["server of good"]["level"] == "ok"
    assert "its certificate ends on" in found["server of good"]["text"]
    assert found["profile bad"]["level"] == "problem"
    assert "Is the password right?" in found["profile bad"]["step"]
    prosody.stop()
    home.wait_for_link("good", "retrying")
    _, found = look(home)
    assert found["profile good"]["level"] == "warning"
    assert found["server of good"]["level"] == "problem"
    assert "refuses connections" in found["server of good"]["text"]
