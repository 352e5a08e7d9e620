# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a server is looked for, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from salut.model.errors import SalutError
from salut.plugins.setup.api import Certificate, Place, Probe, WebPlace
from salut.plugins.setup.service import SetupService, given


class Net:
    """A network in which only ``good`` (host, port) answers."""

    def __init__(self, found: Probe, good: Sequence[tuple[str, int]] = (), web: Sequence[str] = ()) -> None:
        self.found = found
        self.good = good
        self.web_hosts = web
        self.looked: list[str] = []

    def __call__(self, address: str, ca_file: str, pins: Sequence[str]) -> Net:
        self.asked = (address, ca_file, tuple(pins))
        return self

    async def dns(self) -> Probe:
        return self.found

    async def web(self) -> list[WebPlace]:
        self.looked.append("web")
        return [WebPlace(kind="websocket", url=f"wss://{host}/", host=host) for host in self.web_hosts]

    async def look(self, seen: Place) -> Place:
        self.looked.append(f"{seen.host}:{seen.port}{' direct' if seen.direct_tls else ''}")
        if (seen.host, seen.port) in self.good:
            return msgspec.structs.replace(seen, certificate=Certificate(sha256="0"))
        return msgspec.structs.replace(seen, code="connection-refused", reason="no")


def srv(*hosts: str) -> Probe:
    return Probe(domain="x.org", places=[Place(host=host, port=5222, source="SRV") for host in hosts])


async def test_dns_leads_there_and_the_web_is_not_asked() -> None:
    net = Net(srv("a", "b"), good=[("b", 5222)])
    found = await SetupService(net).probe(address="Me@X.org", ca_file="/ca", pins=["p"])
    assert [place.code for place in found.places] == ["connection-refused", ""]
    assert net.looked == ["a:5222", "b:5222"]
    assert net.asked == ("me@x.org", "/ca", ("p",))


async def test_host_metadata_where_dns_leads_nowhere() -> None:
    net = Net(srv("a"), good=[("w", 5222)], web=["a", "w", "w"])
    found = await SetupService(net).probe(address="me@x.org")
    assert net.looked == ["a:5222", "web", "w:5222"]
    assert [(place.host, place.source, place.code) for place in found.places] == [
        ("a", "SRV", "connection-refused"),
        ("w", "host-meta", ""),
    ]
    assert len(found.web) == 3


async def test_a_bad_certificate_is_an_answer() -> None:
    class Bad(Net):
        async def look(self, seen: Place) -> Place:
            certificate = Certificate(sha256="0", problems=["expired"])
            return msgspec.structs.replace(seen, code="bad-certificate", certificate=certificate)

    net = Bad(srv("a"), web=["w"])
    assert (await SetupService(net).probe(address="me@x.org")).web == []
    assert "web" not in net.looked


async def test_a_domain_that_says_no_is_believed() -> None:
    net = Net(Probe(domain="x.org", code="no-service", reason="none"), web=["w"])
    assert (await SetupService(net).probe(address="me@x.org")).code == "no-service"
    assert net.looked == []


async def test_places_are_bounded() -> None:
    net = Net(srv(*(f"h{number}" for number in range(50))), web=[f"w{number}" for number in range(50)])
    await SetupService(net).probe(address="me@x.org")
    assert len(net.looked) == 8 + 1 + 8


@pytest.mark.parametrize(
    ("port", "direct", "tried"),
    [
        (0, None, ["h:5222", "h:5223 direct"]),
        (443, None, ["h:443 direct", "h:443"]),
        (5223, None, ["h:5223 direct", "h:5223"]),
        (7000, None, ["h:7000", "h:7000 direct"]),
        (7000, True, ["h:7000 direct"]),
        (0, False, ["h:5222"]),
    ],
)
async def test_given_places(port: int, direct: bool | None, tried: list[str]) -> None:
    net = Net(srv("never"))
    await SetupService(net).probe(address="me@x.org", host="h", port=port, direct_tls=direct)
    assert net.looked == tried


def test_brackets_of_an_ipv6_address() -> None:
    assert given("[::1]", 5222, False)[0].host == "::1"


@pytest.mark.parametrize(
    ("address", "port"), [("x.org", 0), ("me@", 0), ("me@x.org", 70_000), ("me@x.org", -1)]
)
async def test_bad_parameters(address: str, port: int) -> None:
    with pytest.raises(SalutError) as caught:
        await SetupService(Net(srv())).probe(address=address, port=port)
    assert caught.value.code == "invalid"


async def test_time_is_bounded() -> None:
    class Slow(Net):
        async def look(self, seen: Place) -> Place:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(SalutError) as caught:
        await SetupService(Slow(srv("a"))).probe(address="me@x.org", timeout=1.0)
    assert caught.value.code == "timeout"
