# SPDX-License-Identifier: AGPL-3.0-or-later
"""News of outages (XEP-0455): the standard's examples, pages that are none, and doors that are not knocked at."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from devkit.ca import TestAuthority
from devkit.servers import PrivateServer
from salut.model import moment
from salut.plugins.server import fetch as fetching
from salut.plugins.server import outage
from salut.plugins.server.fetch import MOST_BYTES, fetch, is_public
from salut.plugins.server.outage import PageError
from salut.plugins.server.plugin import ServerPlugin
from tests.engine_kit import running_engine

EXAMPLE = {
    "planned": True,
    "beginning": "2021-01-12T01:01:01Z",
    "expected_end": "2021-01-12T05:00:00Z",
    "message": {"default": "Mise à jour du serveur", "en": "The serveur is being updated"},
}
PAGE = json.dumps(EXAMPLE).encode()


def test_the_example() -> None:
    found = outage.read(PAGE, "https://x/", ["de-AT", "de"])
    assert found is not None and found.planned
    assert found.beginning == moment.parse("2021-01-12T01:01:01Z")
    assert found.expected_end == moment.parse("2021-01-12T05:00:00Z")
    assert found.message == "Mise à jour du serveur"
    english = outage.read(PAGE, "https://x/", ["en"])
    assert english is not None and english.message == "The serveur is being updated"
    assert outage.read(b"{}", "https://x/", []) is None


@pytest.mark.parametrize(
    "page",
    [b"", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"planned": true}', b'{"beginning": 5}',
     b'{"beginning": "soon"}', b'{"beginning": "2021-01-12T01:01:01Z", "expected_end": "9999999"}'],
)  # fmt: skip
def test_pages_that_say_nothing(page: bytes) -> None:
    with pytest.raises(PageError):
        outage.read(page, "https://x/", [])


def test_messages_are_bounded() -> None:
    long = {**EXAMPLE, "message": {"default": "x" * 100_000, "en": 5}}
    found = outage.read(json.dumps(long).encode(), "https://x/", ["en"])
    assert found is not None and len(found.message) == outage.MAX_MESSAGE
    odd = outage.read(json.dumps({**EXAMPLE, "message": "text"}).encode(), "https://x/", [])
    assert odd is not None and odd.message == ""


def test_only_encrypted_pages_are_asked() -> None:
    good = ["https://secondary.shakespeare.lit/status.json", "https://[2001:db8::1]:8443/s?x=1"]
    bad = ["http://secondary.shakespeare.lit/status.json", "file:///etc/passwd", "https://user:pass@host/",
           "https://127。0。0。1/", "https://host/a b", "https://１２７.0.0.1/", "https://%31/", "gopher://x",
           "https://" + "x" * 3000]  # fmt: skip
    assert outage.pages([*bad, *good]) == good
    assert len(outage.pages([f"https://h{n}/" for n in range(100)])) == outage.MOST_PAGES


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0",
     "fc00::1", "::ffff:127.0.0.1", "::ffff:10.1.1.1", "64:ff9b::7f00:1", "2002:7f00:1::", "100.64.0.1",
     "255.255.255.255",
     "x", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
)  # fmt: skip
def test_inner_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


Answer = Callable[[], bytes]


@contextlib.asynccontextmanager
async def web(authority: TestAuthority, answer: Answer) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A web server on loopback: its port, and the requests that came."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server_pem)
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], requests
    finally:
        server.close()


def page(body: bytes, status: str = "200 OK", more: str = "") -> Answer:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
    return lambda: head.encode() + body


def trust(authority: TestAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.ca_file))


async def test_a_page_is_fetched(authority: TestAuthority) -> None:
    async with web(authority, page(PAGE)) as (port, requests):
        assert await fetch(f"https://localhost:{port}/s", trust(authority), private=True) == PAGE
        assert requests[0].startswith(b"GET /s HTTP/1.1\r\n")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127.1", "0x7f000001", "2130706433"])
async def test_inner_pages_are_not_asked(authority: TestAuthority, host: str) -> None:
    async with web(authority, page(PAGE)) as (port, requests):
        with pytest.raises(PageError):
            await fetch(f"https://{host}:{port}/s", trust(authority), private=False)
        assert requests == []


async def test_a_certificate_that_is_not_trusted(authority: TestAuthority) -> None:
    async with web(authority, page(PAGE)) as (port, requests):
        with pytest.raises(PageError):
            await fetch(f"https://localhost:{port}/s", ssl.create_default_context(), private=True)
        assert requests == []


async def test_redirects_and_large_pages_are_refused(authority: TestAuthority) -> None:
    async with web(authority, page(PAGE)) as (other, unasked):
        moved = page(b"", "302 Found", f"Location: https://localhost:{other}/\r\n")
        for answer in (
            moved,
            page(b"x" * (MOST_BYTES + 1)),
            page(b"", "404 Not Found"),
            lambda: b"nonsense\r\n\r\n",
        ):
            async with web(authority, answer) as (port, _requests):
                with pytest.raises(PageError):
                    await fetch(f"https://localhost:{port}/", trust(authority), private=True)
        assert unasked == []


async def test_a_page_that_never_ends(authority: TestAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    async with web(authority, lambda: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx") as (
        port,
        _requests,
    ):
        with pytest.raises(PageError):
            await fetch(f"https://localhost:{port}/", trust(authority), private=True)


async def test_news_reach_windows_and_outlast_the_connection(
    tmp_path: Path, authority: TestAuthority, prosody: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """prosody announces no such page by itself: the announcement is the standard's, the rest is real."""
    said: dict[str, Any] = {"page": json.dumps({**EXAMPLE, "message": {"default": "Wartung"}}).encode()}
    async with (
        web(authority, lambda: page(said["page"])()) as (port, _requests),
        running_engine(tmp_path) as kit,
    ):
        await kit.call("settings.set", values={"server.outages_private": True})
        service = cast("ServerPlugin", kit.engine.plugins.plugins["server"])._service
        monkeypatch.setattr(
            service.protocol, "outage_pages", lambda link: [f"https://localhost:{port}/status.json"]
        )
        await kit.add("me", prosody.account("me"), prosody)

        async def heard() -> Any:  # once the session has told where
            return await kit.call("server.outage", profile="me", refresh=True)

        found = await kit.until(heard)
        assert (found["message"], found["planned"]) == ("Wartung", True)
        items = await kit.engine.readers.read(
            lambda read: [i for i in kit.engine.snapshot(read, "me", 1, 10) if i.name == "outage"]
        )
        assert next(item.value for item in items).message == "Wartung"
        session = kit.links["me"]
        await session.stop()  # the server is gone; its page is not
        said["page"] = b'{"beginning": "2021-01-12T01:01:01Z"}'
        found = await kit.call("server.outage", profile="me", refresh=True)
        assert "message" not in found
        said["page"] = b"{}"
        assert await kit.call("server.outage", profile="me", refresh=True) is None


def test_what_fetches_is_loaded_only_when_needed() -> None:
    code = "import sys, salut.plugins.server.plugin as p; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
