# SPDX-License-Identifier: AGPL-3.0-or-later
"""``setup.probe`` on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.ports import PortPool
from devkit.servers import XmppServer
from salut.model.errors import SalutError
from tests.engine_kit import running_engine


async def test_probe_finds_either_kind_of_tls_and_the_ways_to_log_in(
    server: XmppServer, tmp_path: Path
) -> None:
    async with running_engine(tmp_path) as kit:
        for port, direct in ((server.c2s_port, False), (server.tls_port, True)):
            probe = await kit.call(
                "setup.probe",
                address=f"a@{server.domain}",
                host="127.0.0.1",
                port=port,
                ca_file=str(server.ca_file),
            )
            good = [place for place in probe["places"] if not place.get("code")]
            assert [place.get("direct_tls", False) for place in good] == [direct]
            assert "SCRAM-SHA-1" in good[0]["mechanisms"]
            assert "localhost" in good[0]["certificate"]["names"]
            assert "problems" not in good[0]["certificate"]


async def test_probe_explains_a_certificate_and_takes_a_pin(server: XmppServer, tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        where = {
            "address": f"a@{server.domain}",
            "host": "127.0.0.1",
            "port": server.c2s_port,
            "direct_tls": False,
        }
        (place,) = (await kit.call("setup.probe", **where))["places"]
        assert place["code"] == "bad-certificate"
        assert "not trusted here" in place["certificate"]["problems"][0]
        (pinned,) = (await kit.call("setup.probe", **where, pins=[place["certificate"]["sha256"]]))["places"]
        assert not pinned.get("code")
        (other,) = (await kit.call("setup.probe", **where, pins=["0" * 64]))["places"]
        assert other["code"] == "bad-certificate"
        strange = {**where, "address": "a@example.org", "ca_file": str(server.ca_file)}
        (wrong,) = (await kit.call("setup.probe", **strange))["places"]
        assert wrong.get("code"), "a certificate for another domain was accepted"


async def test_probe_of_a_closed_port_and_a_bad_ca_file(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        with PortPool() as pool:
            port = pool.take()
            probe = await kit.call("setup.probe", address="a@localhost", host="127.0.0.1", port=port)
        assert {place["code"] for place in probe["places"]} == {"connection-refused"}
        probe = await kit.call("setup.probe", address="a@localhost", host="127.0.0.1", ca_file="/nowhere")
        assert {place["code"] for place in probe["places"]} == {"bad-ca-file"}
        with pytest.raises(SalutError) as caught:
            await kit.call("setup.probe", address="localhost")
        assert caught.value.code == "invalid"
