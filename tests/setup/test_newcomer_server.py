# SPDX-License-Identifier: AGPL-3.0-or-later
"""``salut setup`` for who has no account yet, on real servers."""

from __future__ import annotations

import secrets
from pathlib import Path

from devkit.servers import PrivateServer
from tests.engine_kit import running_engine
from tests.plugins.invites.test_invites_server import contact
from tests.setup.home import Home


def place(server: PrivateServer) -> list[str]:
    return [
        "--host", "127.0.0.1", "--port", str(server.c2s_port), "--tls", "start",
        "--ca-file", str(server.ca_file), "--no-systemd",
    ]  # fmt: skip


def test_c18_a_new_account_at_the_terminal(home: Home, server: PrivateServer) -> None:
    taken = server.account("taken").jid.partition("@")[0]
    user = f"fresh-{secrets.token_hex(4)}"
    with home.terminal("setup", *place(server)) as terminal:
        terminal.expect("Your XMPP address .*: $")
        terminal.type("new")
        terminal.expect("Server on which to make it .*: ")
        terminal.type(server.domain)
        terminal.expect("Found: ")
        for name in (taken, user):
            terminal.expect("(?i)user.*: ")
            terminal.type(name)
            terminal.expect("(?i)password: ")
            terminal.type("two different")
            terminal.expect("Once more: ")
            terminal.type("words")
            terminal.expect("not the same")
            for again in ("(?i)password: ", "Once more: "):
                terminal.expect(again)
                terminal.type("correct horse")
            if name == taken:
                terminal.expect("choose another name")
        terminal.expect(f"{user}@{server.domain} is online, as profile “{user}”")
        assert terminal.ended() == 0
    (profile,) = home.profiles().values()
    assert profile["address"] == f"{user}@{server.domain}"


def test_a_new_account_without_a_terminal(home: Home, prosody: PrivateServer) -> None:
    user = f"script-{secrets.token_hex(4)}"
    ran = home.run(
        "setup",
        prosody.domain,
        "--new",
        "--user",
        user,
        *place(prosody),
        "--password-file",
        "-",
        stdin="secret\n",
    )
    assert ran.returncode == 0, ran.stderr
    assert home.profiles()[user]["address"] == f"{user}@{prosody.domain}"
    lacking = home.run(
        "setup", prosody.domain, "--new", *place(prosody), "--password-file", "-", stdin="secret\n"
    )
    assert lacking.returncode == 2
    assert "give: username" in lacking.stderr


async def test_r21_setup_with_a_link(home: Home, prosody: PrivateServer, tmp_path: Path) -> None:
    """The whole way: a link, one command, and the two see each other."""
    import asyncio

    alice = prosody.account("alice")
    user = f"invited-{secrets.token_hex(4)}"
    async with running_engine(tmp_path, prosody, {"alice": alice}) as kit:
        made = await kit.call("invites.create", profile="alice", account=True)
        words = ["setup", made["link"], "--user", user, *place(prosody), "--password-file", "-"]
        ran = await asyncio.to_thread(home.run, *words, stdin="secret\n")
        assert ran.returncode == 0, ran.stderr
        assert f"{alice.jid} invites you." in ran.stdout

        async def friend() -> bool:
            there = await contact(kit, "alice", f"{user}@{prosody.domain}")
            return there.get("subscription") == "both"

        await kit.until(friend)


async def test_r21_a_daemons_link_with_an_account_elsewhere(
    home: Home, ejabberd: PrivateServer, tmp_path: Path
) -> None:
    """The server makes no invitations: the account is one's own, the contact comes with the link."""
    import asyncio

    alice, bob = ejabberd.account("alice"), ejabberd.account("bob")
    async with running_engine(tmp_path, ejabberd, {"alice": alice}) as kit:
        made = await kit.call("invites.create", profile="alice")

        def at_the_terminal() -> int:
            with home.terminal("setup", made["link"], *place(ejabberd)) as terminal:
                terminal.expect(f"{alice.jid} invites you")
                terminal.expect("Your XMPP address .*: $")
                terminal.type(bob.jid)
                terminal.expect("Password of .*: ")
                terminal.type(bob.password)
                terminal.expect("was asked to become your contact")
                return terminal.ended()

        assert await asyncio.to_thread(at_the_terminal) == 0

        async def friend() -> bool:
            return (await contact(kit, "alice", bob.jid)).get("subscription") == "both"

        await kit.until(friend)
