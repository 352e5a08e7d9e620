# SPDX-License-Identifier: AGPL-3.0-or-later
"""Real servers for tests. A server that is not installed makes its tests fail, with what to install."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devkit.ca import TestAuthority, write_authority
from devkit.ejabberd import Ejabberd
from devkit.prosody import Prosody
from devkit.servers import PrivateServer, ServerOptions

MakeServer = Callable[..., PrivateServer]

_KINDS: dict[str, type[PrivateServer]] = {"prosody": Prosody, "ejabberd": Ejabberd}
_DOMAINS = {"prosody": "localhost", "ejabberd": "ej.localhost"}
_SERVER_FIXTURES = frozenset({"prosody", "ejabberd", "server", "make_server"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what talks to a real server, so that `-m "not server"` leaves it out."""
    for item in items:
        if isinstance(item, pytest.Function) and _SERVER_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    """One test CA for all servers of the session, so that one client can trust them all."""
    return write_authority(tmp_path_factory.mktemp("ca"), _DOMAINS.values())


def _session_server(
    kind: str, authority: TestAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrivateServer]:
    folder = tmp_path_factory.mktemp(kind)
    with _KINDS[kind](folder, domain=_DOMAINS[kind], authority=authority) as server:
        yield server


@pytest.fixture(scope="session")
def _prosody(authority: TestAuthority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    yield from _session_server("prosody", authority, tmp_path_factory)


@pytest.fixture(scope="session")
def _ejabberd(authority: TestAuthority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    yield from _session_server("ejabberd", authority, tmp_path_factory)


@pytest.fixture
def prosody(_prosody: PrivateServer) -> PrivateServer:
    """The session's prosody, running, whatever the test before did to it."""
    _prosody.start()
    return _prosody


@pytest.fixture
def ejabberd(_ejabberd: PrivateServer) -> PrivateServer:
    """The session's ejabberd, running, whatever the test before did to it."""
    _ejabberd.start()
    return _ejabberd


@pytest.fixture(params=["prosody", "ejabberd"])
def server(request: pytest.FixtureRequest) -> PrivateServer:
    """Each server in turn. Take fresh accounts with ``server.account("alice")``."""
    found = request.getfixturevalue(str(request.param))
    assert isinstance(found, PrivateServer)
    return found


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """``make_server("prosody", mam=False)``: a server for this test alone, with options; ends with it."""
    started: list[PrivateServer] = []

    def make(kind: str, domain: str = "localhost", **options: object) -> PrivateServer:
        chosen = ServerOptions(**options)  # type: ignore[arg-type]  # the dataclass refuses wrong names
        server = _KINDS[kind](tmp_path / f"{kind}{len(started)}", domain=domain, options=chosen)
        started.append(server)
        server.start()
        return server

    yield make
    for server in started:
        server.close()
