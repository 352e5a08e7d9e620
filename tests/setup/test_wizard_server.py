# SPDX-License-Identifier: AGPL-3.0-or-later
"""``salut setup`` at a terminal and without one, against a real server."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest

from devkit.ports import PortPool
from devkit.servers import PrivateServer
from tests.setup.home import Home


def place(server: PrivateServer) -> list[str]:
    """The options that lead to the test server."""
    return ["--host", "127.0.0.1", "--port", str(server.c2s_port), "--no-systemd"]


def fingerprint(server: PrivateServer) -> str:
    """What a pin of the test server's certificate is made of."""
    pem = server.authority.certificate.read_text()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def test_good_account_is_online_and_kept(home: Home, prosody: PrivateServer) -> None:
    alice = prosody.account("alice")
    with home.terminal("setup", *place(prosody), "--ca-file", str(prosody.ca_file)) as terminal:
        terminal.expect(r"Your XMPP address .*: $")
        terminal.type("not an address @ all")
        terminal.expect("is not an XMPP address")
        terminal.type(alice.jid)
        terminal.expect(rf"Found: 127\.0\.0\.1:{prosody.c2s_port} \(STARTTLS; as given\)")
        terminal.expect(f"Password of {alice.jid}: ")
        terminal.type(alice.password)
        terminal.expect(f"{alice.jid} is online")
        assert terminal.ended() == 0
        assert alice.password not in terminal.shown
    name = alice.jid.partition("@")[0]
    profile = home.profiles()[name]
    assert profile["address"] == alice.jid
    link = profile["link"]
    assert isinstance(link, dict) and link["state"] == "online"
    again = home.run("setup", alice.jid, "--password-file", "-", stdin="x\n")
    assert again.returncode == 9
    assert f"as profile “{name}”" in again.stderr


def test_wrong_password_is_asked_again(home: Home, prosody: PrivateServer) -> None:
    bob = prosody.account("bob")
    words = ["setup", bob.jid, "--name", "bob", *place(prosody), "--ca-file", str(prosody.ca_file)]
    with home.terminal(*words) as terminal:
        terminal.expect("Password of .*: ")
        terminal.type("wrong")
        terminal.expect("does not accept this name and password")
        terminal.expect("Password of .*: ")
        terminal.type(bob.password)
        terminal.expect("is online, as profile “bob”")
        assert terminal.ended() == 0


def test_wrong_password_without_terminal_leaves_nothing(home: Home, prosody: PrivateServer) -> None:
    bob = prosody.account("bob")
    words = ["setup", bob.jid, *place(prosody), "--ca-file", str(prosody.ca_file), "--password-file", "-"]
    ran = home.run(*words, stdin="wrong\n")
    assert ran.returncode == 6
    assert "Nothing was kept. Is the password right?" in ran.stderr
    assert home.profiles() == {}
    assert home.run(*words, stdin=f"{bob.password}\n").returncode == 0


def test_bad_certificate_is_explained_and_pinned(home: Home, prosody: PrivateServer) -> None:
    carol = prosody.account("carol")
    sha256 = fingerprint(prosody)
    with home.terminal("setup", carol.jid, "--name", "carol", *place(prosody)) as terminal:
        terminal.expect("cannot be trusted here")
        terminal.expect(r"for +localhost, muc\.localhost")
        terminal.expect(r"issued by +CN=Salut test authority")
        terminal.expect(r"fingerprint +" + ":".join(sha256.upper()[i : i + 2] for i in range(0, 64, 2)))
        terminal.expect("issuer .* is not trusted here")
        terminal.expect(r"Trust it\? \[y/N\] ")
        terminal.type("y")
        terminal.expect("Password of .*: ")
        terminal.type(carol.password)
        terminal.expect("is online")
        assert terminal.ended() == 0
    assert home.profiles()["carol"]["pins"] == [sha256]


def test_bad_certificate_is_not_trusted_by_default(home: Home, prosody: PrivateServer) -> None:
    carol = prosody.account("carol")
    with home.terminal("setup", carol.jid, *place(prosody)) as terminal:
        terminal.expect(r"Trust it\? \[y/N\] ")
        terminal.type("")
        terminal.expect("Nothing was set up")
        assert terminal.ended() != 0
    words = ["setup", carol.jid, "--name", "carol", *place(prosody), "--password-file", "-"]
    ran = home.run(*words, stdin=f"{carol.password}\n")
    assert ran.returncode == 6
    assert f"--pins {fingerprint(prosody)}" in ran.stderr
    assert home.profiles() == {}
    ran = home.run(*words, "--pins", fingerprint(prosody), stdin=f"{carol.password}\n")
    assert ran.returncode == 0, ran.stderr
    other = home.run(
        "setup",
        prosody.account("d").jid,
        *place(prosody),
        "--pins",
        "0" * 64,
        "--password-file",
        "-",
        stdin="x\n",
    )
    assert other.returncode == 6
    assert "It is not the one whose fingerprint was given." in other.stdout


def test_wrong_port_is_explained_and_another_taken(home: Home, prosody: PrivateServer) -> None:
    dora = prosody.account("dora")
    with PortPool() as pool:
        wrong = str(pool.take())
        words = ["--host", "127.0.0.1", "--port", wrong, "--ca-file", str(prosody.ca_file), "--no-systemd"]
        ran = home.run("setup", dora.jid, *words, "--password-file", "-", stdin=f"{dora.password}\n")
        assert ran.returncode == 5
        assert f"127.0.0.1:{wrong} refuses connections" in ran.stdout
        assert ran.stdout.count("refuses connections") == 1  # not once for each kind of TLS
        assert "Another port can be given with --port" in ran.stdout
        with home.terminal("setup", dora.jid, *words) as terminal:
            terminal.expect("refuses connections")
            terminal.expect("Server to connect to .*: ")
            terminal.type(f"127.0.0.1:{prosody.tls_port}")  # the kind of TLS is found out
            terminal.expect("Found: .*TLS from the first byte")
            terminal.expect("Password of .*: ")
            terminal.type(dora.password)
            terminal.expect("is online")
            assert terminal.ended() == 0
    (profile,) = home.profiles().values()
    assert (profile["port"], profile["direct_tls"]) == (prosody.tls_port, True)


def test_password_command_and_taken_names(home: Home, prosody: PrivateServer, tmp_path: Path) -> None:
    erik = prosody.account("erik")
    secret = tmp_path / "secret"
    secret.write_text(f"{erik.password}\nsecond line\n")
    words = ["setup", erik.jid, "--name", "erik", *place(prosody), "--ca-file", str(prosody.ca_file)]
    ran = home.run(*words, "--password-command", f"cat '{secret}'")
    assert ran.returncode == 0, ran.stderr
    fred = prosody.account("fred")
    ran = home.run("setup", fred.jid, *words[2:], "--password-file", str(secret))
    assert ran.returncode == 9
    assert "There is a profile erik already" in ran.stderr


@pytest.mark.parametrize("words", [("setup",), ("setup", "a@localhost")])
def test_without_terminal_all_must_be_given(home: Home, words: tuple[str, ...]) -> None:
    ran = home.run(*words)
    assert ran.returncode == 2
    assert "There is no terminal to ask at" in ran.stderr
    assert not home.runtime.exists(), "no daemon was started for nothing"
