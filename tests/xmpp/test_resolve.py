# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where to connect to: SRV records, overrides, literals, and DNS that fails."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import cast

import pytest

from salut.xmpp.config import SessionConfig
from salut.xmpp.errors import LinkFailureError
from salut.xmpp.resolve import Endpoint, SharedDns, Srv, endpoints
from salut.xmpp.secret import Secret


class Records:
    """DNS with these records; a name with an exception raises it."""

    def __init__(self, records: dict[str, Sequence[Srv] | Exception]) -> None:
        self.asked: list[str] = []
        self._records = records

    async def srv(self, name: str) -> Sequence[Srv]:
        self.asked.append(name)
        found = self._records.get(name, [])
        if isinstance(found, Exception):
            raise found
        return found


def config(jid: str = "a@example.org", **more: object) -> SessionConfig:
    return SessionConfig(jid=jid, password=Secret("x"), **more)  # type: ignore[arg-type]


async def found(
    records: dict[str, Sequence[Srv] | Exception], jid: str = "a@example.org", **more: object
) -> list[str]:
    places = await endpoints(config(jid, **more), Records(records), lambda: 0.5)
    return [f"{place}{' direct' if place.direct else ''}" for place in places]


async def test_both_kinds_of_records_share_one_order() -> None:
    records: dict[str, Sequence[Srv] | Exception] = {
        "_xmpp-client._tcp.example.org": [
            Srv(20, 0, 5222, "late.example.org."),
            Srv(5, 0, 5222, "first.example.org"),
        ],
        "_xmpps-client._tcp.example.org": [Srv(10, 0, 443, "tls.example.org.")],
    }
    assert await found(records) == [
        "first.example.org:5222",
        "tls.example.org:443 direct",
        "late.example.org:5222",
    ]


async def test_among_equals_weight_decides() -> None:
    records = [Srv(1, 0, 1, "zero"), Srv(1, 10, 2, "light"), Srv(1, 90, 3, "heavy")]
    first = []
    for draw in (0.0, 0.05, 0.5, 0.99):
        dns = Records({"_xmpp-client._tcp.example.org": records})
        places = await endpoints(config(), dns, lambda draw=draw: draw)  # type: ignore[misc]
        assert len(places) == 3
        first.append(places[0].host)
    assert first == ["zero", "light", "heavy", "heavy"]


async def test_without_records_or_without_dns_the_domain_itself_is_tried() -> None:
    assert await found({}) == ["example.org:5222"]
    broken = {
        f"_{kind}._tcp.example.org": LookupError("SERVFAIL") for kind in ("xmpp-client", "xmpps-client")
    }
    assert await found(dict(broken)) == ["example.org:5222"]


async def test_a_dot_means_no_service_only_if_nothing_else_is_offered() -> None:
    nothing: dict[str, Sequence[Srv] | Exception] = {"_xmpp-client._tcp.example.org": [Srv(0, 0, 0, ".")]}
    with pytest.raises(LinkFailureError) as error:
        await found(nothing)
    assert error.value.failure.code == "no-service"
    assert error.value.failure.fatal
    tls = nothing | {"_xmpps-client._tcp.example.org": [Srv(0, 0, 443, "t")]}
    assert await found(tls) == ["t:443 direct"]


async def test_overrides_and_literals_ask_no_dns() -> None:
    dns = Records({})
    cases = {
        ("a@example.org", "host.example", 0, False): Endpoint("host.example", 5222),
        ("a@example.org", "host.example", 0, True): Endpoint("host.example", 5223, True),
        ("a@example.org", "[::1]", 99, False): Endpoint("::1", 99),
        ("a@192.0.2.1", "", 0, False): Endpoint("192.0.2.1", 5222, False, "the address itself"),
        ("a@[2001:db8::1]", "", 0, False): Endpoint("2001:db8::1", 5222, False, "the address itself"),
    }
    for (jid, host, port, direct), expected in cases.items():
        assert await endpoints(config(jid, host=host, port=port, direct_tls=direct), dns) == [expected]
    assert dns.asked == []
    assert str(Endpoint("::1", 99)) == "[::1]:99"


async def test_names_in_other_scripts_go_to_dns_in_ascii() -> None:
    dns = Records({})
    assert await endpoints(config("a@b\u00fccher.example"), dns) == [
        Endpoint("xn--bcher-kva.example", 5222, False, "no SRV record")
    ]
    assert dns.asked[0] == "_xmpp-client._tcp.xn--bcher-kva.example"
    with pytest.raises(LinkFailureError):
        await endpoints(config("a@" + "x" * 70), dns)


async def test_a_flood_of_records_is_cut() -> None:
    flood = [Srv(0, 1, port, "h") for port in range(1, 500)]
    assert len(await found({"_xmpp-client._tcp.example.org": flood})) == 20


class NameServer(asyncio.DatagramProtocol):
    """Answers SRV questions for one name; NXDOMAIN for others; silence for ``silent``."""

    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = data[12 : data.index(b"\0", 12) + 5]
        if b"broken" in question:
            self.transport.sendto(data[:2] + b"\x81\x82" + struct.pack(">HHHH", 1, 0, 0, 0) + question, addr)
        elif b"_xmpp-client" in question and b"\x05known" in question:
            target = b"\x04xmpp\x05known\x04test\x00"
            record = struct.pack(">HHH", 1, 2, 5269) + target
            answer = b"\xc0\x0c" + struct.pack(">HHIH", 33, 1, 60, len(record)) + record
            self.transport.sendto(
                data[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, 1, 0, 0) + question + answer, addr
            )
        else:
            self.transport.sendto(data[:2] + b"\x81\x83" + struct.pack(">HHHH", 1, 0, 0, 0) + question, addr)


async def test_real_questions_to_a_real_name_server() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    dns = SharedDns(["127.0.0.1"], transport.get_extra_info("sockname")[1])
    try:
        assert await dns.srv("_xmpp-client._tcp.known.test") == [Srv(1, 2, 5269, "xmpp.known.test")]
        assert await dns.srv("_xmpp-client._tcp.unknown.test") == []
        with pytest.raises(LookupError):
            await dns.srv("_xmpp-client._tcp.broken.test")
        assert [str(e) for e in await endpoints(config("a@known.test"), dns)] == ["xmpp.known.test:5269"]
    finally:
        await dns.close()
        transport.close()
