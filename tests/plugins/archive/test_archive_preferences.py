# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the server's archive keeps (XEP-0441): the standard's examples, and both servers."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from devkit.servers import PrivateServer
from salut.model.errors import SalutError
from salut.plugins.archive.api import ArchivePreferences
from salut.plugins.archive.protocol import MOST_LISTED, preferences_xml, read_preferences
from salut.plugins.archive.query import ArchiveError
from tests.conftest import MakeServer
from tests.engine_kit import running_engine

EXAMPLE = """<prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>romeo@montague.lit</jid></always>
<never><jid>montague@montague.lit</jid></never></prefs>"""
SAID = ArchivePreferences(default="roster", always=["romeo@montague.lit"], never=["montague@montague.lit"])


def test_the_examples() -> None:
    assert read_preferences(fromstring(EXAMPLE)) == SAID
    assert "".join(preferences_xml(SAID).split()) == "".join(EXAMPLE.split())
    assert preferences_xml(None) == "<prefs xmlns='urn:xmpp:mam:2'/>"


def test_what_a_server_may_not_say() -> None:
    with pytest.raises(ArchiveError):
        read_preferences(fromstring("<prefs xmlns='urn:xmpp:mam:2' default='sometimes'/>"))
    many = "<jid>a@b</jid>" * (MOST_LISTED + 10)
    long = read_preferences(
        fromstring(f"<prefs xmlns='urn:xmpp:mam:2' default='never'><always>{many}</always></prefs>")
    )
    assert len(long.always) == MOST_LISTED


async def test_preferences_are_set_and_read(tmp_path: Path, server: PrivateServer) -> None:
    async with running_engine(tmp_path, server, {"me": server.account("keeps")}) as kit:
        before = await kit.call("archive.preferences", profile="me")
        assert before["default"] in ("always", "roster", "never")
        await kit.call("archive.set_preferences", profile="me", never=["Tybalt@capulet.lit"])
        await kit.call(
            "archive.set_preferences", profile="me", default="roster", always=["romeo@montague.lit"]
        )
        expected = {"default": "roster", "always": ["romeo@montague.lit"], "never": ["tybalt@capulet.lit"]}
        assert await kit.call("archive.preferences", profile="me") == expected
        with pytest.raises(SalutError) as both:
            await kit.call("archive.set_preferences", profile="me", never=["romeo@montague.lit"])
        assert both.value.code == "invalid"


async def test_a_server_without_them_says_so(tmp_path: Path, make_server: MakeServer) -> None:
    server = make_server("prosody", mam=False)
    async with running_engine(tmp_path / "salut", server, {"me": server.account("keeps")}) as kit:
        with pytest.raises(SalutError) as lacking:
            await kit.call("archive.preferences", profile="me")
        assert lacking.value.code == "unavailable"
