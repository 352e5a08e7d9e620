# SPDX-License-Identifier: AGPL-3.0-or-later
"""The test servers start, speak TLS that our CA vouches for, keep their accounts and end for certain."""

from __future__ import annotations

import base64
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.ports import PortPool
from devkit.process import ProgramFailedError, ProgramMissingError, find_program
from devkit.prosody import Prosody
from devkit.servers import Account, PrivateServer, XmppServer


def _until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "did not come true in time"
        time.sleep(0.02)


def _exists(pid: int) -> bool:
    """Whether the process lives; one that has ended and was not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _read_until(stream: ssl.SSLSocket, *ends: str) -> str:
    text = ""
    while not any(end in text for end in ends):
        part = stream.recv(65536)
        assert part, f"the server closed after {text!r}"
        text += part.decode()
    return text


def _tls(server: XmppServer) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=server.ca_file)
    context.set_alpn_protocols(["xmpp-client"])
    raw = socket.create_connection(("127.0.0.1", server.tls_port), timeout=20)
    return context.wrap_socket(raw, server_hostname=server.domain)


def _login(server: XmppServer, account: Account) -> str:
    """Answer of the server to SASL PLAIN over direct TLS."""
    user = account.jid.partition("@")[0]
    secret = base64.b64encode(f"\0{user}\0{account.password}".encode()).decode()
    with _tls(server) as stream:
        stream.sendall(
            f"<stream:stream to='{server.domain}' version='1.0' xmlns='jabber:client' "
            f"xmlns:stream='http://etherx.jabber.org/streams'>".encode()
        )
        _read_until(stream, "</stream:features>")
        stream.sendall(
            f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>".encode()
        )
        return _read_until(stream, "<success", "</failure>")


def test_server_offers_the_contract(server: PrivateServer) -> None:
    assert isinstance(server, XmppServer)
    assert server.muc == f"muc.{server.domain}"


def test_certificate_is_vouched_for(server: PrivateServer) -> None:
    with _tls(server) as stream:
        assert stream.version() in {"TLSv1.2", "TLSv1.3"}
        certificate = stream.getpeercert() or {}
    entries = certificate["subjectAltName"]
    assert isinstance(entries, tuple)
    names = {entry[1] for entry in entries}
    assert {"localhost", server.domain, server.muc, "127.0.0.1"} <= names


def test_certificate_is_refused_without_our_authority(server: PrivateServer) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", server.tls_port), timeout=20) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(raw, server_hostname=server.domain)


def test_plain_login_is_not_offered_before_tls(server: PrivateServer) -> None:
    with socket.create_connection(("127.0.0.1", server.c2s_port), timeout=20) as raw:
        raw.sendall(
            f"<stream:stream to='{server.domain}' version='1.0' xmlns='jabber:client' "
            f"xmlns:stream='http://etherx.jabber.org/streams'>".encode()
        )
        text = ""
        while "</stream:features>" not in text:
            part = raw.recv(65536)
            assert part
            text += part.decode()
    assert "<required" in text
    assert "mechanism>" not in text


def test_accounts_log_in_and_survive_restart_and_kill(server: PrivateServer) -> None:
    alice = server.account("alice")
    assert "<success" in _login(server, alice)
    assert "<failure" in _login(server, Account(alice.jid, "wrong"))
    ports = (server.c2s_port, server.tls_port)
    server.restart()
    assert (server.c2s_port, server.tls_port) == ports
    assert "<success" in _login(server, alice)
    server.kill()
    assert not server.running
    server.start()
    assert "<success" in _login(server, alice)


def test_accounts_differ(server: PrivateServer) -> None:
    assert server.account("alice").jid != server.account("alice").jid
    many = server.register_many(f"bulk-{server.account().jid.partition('@')[0]}-", 5, 'pa"ss\\word')
    assert len(set(many)) == 5
    assert "<success" in _login(server, Account(many[4], 'pa"ss\\word'))


@pytest.mark.parametrize("kind", ["prosody", "ejabberd"])
def test_nothing_is_left_running(kind: str, make_server: Callable[..., PrivateServer]) -> None:
    server = make_server(kind)
    pid = server.pid
    server.close()
    assert not _exists(pid)
    with pytest.raises(ProcessLookupError):
        os.killpg(pid, 0)
    with pytest.raises(ProgramFailedError):
        _ = server.pid


@pytest.mark.parametrize("kind", ["prosody", "ejabberd"])
@pytest.mark.usefixtures("prosody", "ejabberd")  # a third and fourth beside them: ports do not meet
def test_server_ends_when_its_starter_is_killed(kind: str, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        f"from devkit.{kind} import {kind.capitalize()} as Server\n"
        "server = Server(pathlib.Path(sys.argv[1])); server.start(); print(server.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert _exists(pid)
        starter.send_signal(signal.SIGKILL)
    _until(lambda: not _exists(pid))


def test_start_tells_why_it_failed(tmp_path: Path, make_server: Callable[..., PrivateServer]) -> None:
    with pytest.raises(ProgramFailedError, match="prosody did not start"):
        make_server("prosody", extra="this is no Lua")


def test_start_off_the_main_thread_is_refused(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def attempt() -> None:
        server = Prosody(tmp_path)
        try:
            server.start()
        except RuntimeError as error:
            errors.append(error)
        finally:
            server.close()

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


def test_missing_program_says_what_to_install() -> None:
    with pytest.raises(
        ProgramMissingError, match=r"no-such-server is not installed.*make system.*some-package"
    ):
        find_program("no-such-server", "some-package")


def test_ports_are_distinct_and_claimed() -> None:
    with PortPool() as first, PortPool() as second:
        ports = [pool.take() for _ in range(50) for pool in (first, second)]
    assert len(set(ports)) == 100


def test_claimed_ports_come_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with PortPool() as pool:
        port = pool.take()
        monkeypatch.setattr("devkit.ports._candidates", lambda: range(port, port + 1))
        with PortPool() as other, pytest.raises(OSError, match="no free port"):
            other.take()
    with PortPool() as other:
        assert other.take() == port


def test_port_in_use_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("devkit.ports._candidates", lambda: range(port, port + 1))
        with PortPool() as pool, pytest.raises(OSError, match="no free port"):
            pool.take()
