# SPDX-License-Identifier: AGPL-3.0-or-later
"""Host metadata (XEP-0156): read from its examples, fetched from a web server that may be hostile."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.ca import TestAuthority
from salut.xmpp.hostmeta import MOST_BYTES, MOST_LINKS, WebLink, fetch, read_json, read_xml

BOSH = WebLink("bosh", "https://web.example.com:5280/bosh")
SOCKET = WebLink("websocket", "wss://web.example.com:443/ws")
XRD = b"""<?xml version='1.0' encoding='utf-8'?>
<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>
  <Link rel="urn:xmpp:alt-connections:xbosh" href="https://web.example.com:5280/bosh" />
  <Link rel="urn:xmpp:alt-connections:websocket" href="wss://web.example.com:443/ws" />
  <Link rel="lrdd" href="https://example.com/lrdd" />
</XRD>"""
JRD = b"""{"links": [
  {"rel": "urn:xmpp:alt-connections:xbosh", "href": "https://web.example.com:5280/bosh"},
  {"rel": "urn:xmpp:alt-connections:websocket", "href": "wss://web.example.com:443/ws"},
  {"rel": "other", "href": "https://example.com/"}, 7, {"rel": [], "href": {}}
]}"""


def test_examples_of_the_xep() -> None:
    assert read_xml(XRD) == [BOSH, SOCKET]
    assert read_json(JRD) == [BOSH, SOCKET]
    assert SOCKET.host == "web.example.com"


@pytest.mark.parametrize(
    "href", ["ws://web.example.com/", "http://a/", "wss:///x", "wss://[::1", "wss://a/\\u001b"]
)
def test_only_encrypted_links_with_a_host(href: str) -> None:
    raw = '{"links": [{"rel": "urn:xmpp:alt-connections:websocket", "href": "%s"}]}' % href  # noqa: UP031
    assert read_json(raw.encode()) == []


def test_links_are_bounded() -> None:
    one = '{"rel": "urn:xmpp:alt-connections:websocket", "href": "wss://a/"}'
    raw = '{"links": [' + ",".join([one] * 100) + "]}"
    assert len(read_json(raw.encode())) == MOST_LINKS


@pytest.mark.parametrize(
    "raw",
    [
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><XRD/>",
        "<!DOCTYPE x><XRD/>".encode("utf-16"),
        b"<XRD>",
        b"\xff\xfe",
    ],
)
def test_bad_xml(raw: bytes) -> None:
    with pytest.raises(ValueError):
        read_xml(raw)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    for read in (read_json, read_xml):
        try:
            read(raw)
        except ValueError:
            continue


class _Pages(ThreadingHTTPServer):
    pages: dict[str, tuple[int, dict[str, str], bytes]]
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: _Pages

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, headers, body = self.server.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def web(authority: TestAuthority, pages: dict[str, tuple[int, dict[str, str], bytes]]) -> Iterator[_Pages]:
    server = _Pages(("127.0.0.1", 0), _Handler)
    server.pages, server.asked = pages, []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server_pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def trusting(authority: TestAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.ca_file)


JSON_PATH, XML_PATH = "/.well-known/host-meta.json", "/.well-known/host-meta"


def test_json_first_xml_where_there_is_none(authority: TestAuthority) -> None:
    context = trusting(authority)
    with web(authority, {JSON_PATH: (200, {}, JRD)}) as server:
        assert fetch("localhost", context, 5, server.server_port) == [BOSH, SOCKET]
        assert server.asked == [JSON_PATH]
    with web(authority, {XML_PATH: (200, {}, XRD)}) as server:
        assert fetch("localhost", context, 5, server.server_port) == [BOSH, SOCKET]
    with web(authority, {JSON_PATH: (200, {}, b"<html>"), XML_PATH: (200, {}, XRD)}) as server:
        assert fetch("localhost", context, 5, server.server_port) == [BOSH, SOCKET]


def test_redirects_are_followed_only_over_https_and_not_for_ever(authority: TestAuthority) -> None:
    context = trusting(authority)
    pages = {JSON_PATH: (302, {"Location": "/moved"}, b""), "/moved": (200, {}, JRD)}
    with web(authority, pages) as server:
        assert fetch("localhost", context, 5, server.server_port) == [BOSH, SOCKET]
    with web(authority, {JSON_PATH: (302, {"Location": JSON_PATH}, b"")}) as server:
        assert fetch("localhost", context, 5, server.server_port) == []
        assert server.asked.count(JSON_PATH) == 4
    with web(authority, {JSON_PATH: (302, {"Location": "http://localhost/"}, b"")}) as server:
        assert fetch("localhost", context, 5, server.server_port) == []


def test_what_is_too_large_or_not_trusted_is_not_read(authority: TestAuthority) -> None:
    padded = JRD + b" " * MOST_BYTES
    with web(authority, {JSON_PATH: (200, {}, padded)}) as server:
        assert fetch("localhost", trusting(authority), 5, server.server_port) == []
    with web(authority, {JSON_PATH: (200, {}, JRD)}) as server:
        assert fetch("localhost", ssl.create_default_context(), 5, server.server_port) == []
        assert server.asked == []
