# SPDX-License-Identifier: AGPL-3.0-or-later
"""With go-sendxmpp (Debian's): messages to a person and to a room, and listening."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from devkit.process import find_program
from devkit.servers import Account, XmppServer
from tests.engine_kit import running_engine
from tests.interop.test_profanity import shown
from tests.plugins.rooms.test_rooms_server import fresh_room, join


async def start(server: XmppServer, account: Account, home: Path, *words: str) -> asyncio.subprocess.Process:
    """Start it as ``account``."""
    environment = dict(os.environ, HOME=str(home), SSL_CERT_FILE=str(server.ca_file))
    return await asyncio.create_subprocess_exec(
        find_program("go-sendxmpp", "go-sendxmpp"),
        *("-u", account.jid, "-p", account.password, "-j", f"127.0.0.1:{server.c2s_port}", *words),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def say(server: XmppServer, account: Account, home: Path, text: str, *words: str) -> None:
    """Send one message with it."""
    process = await start(server, account, home, *words)
    async with asyncio.timeout(30):
        _out, problems = await process.communicate(text.encode())
    assert process.returncode == 0, problems.decode()


async def test_it_writes_to_a_person_and_to_a_room(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    room = fresh_room(server)
    async with running_engine(tmp_path / "engine", server, {"alice": alice}) as kit:
        await say(server, bob, tmp_path, "backup done\n", alice.jid)
        await shown(kit, bob.jid, "backup done", outgoing=None)
        await join(kit, "alice", room)
        await say(server, bob, tmp_path, "uptime 3 days\n", "-a", "robot", "-c", room)
        got = await shown(kit, room, "uptime 3 days")
        assert got["sender"] == f"{room}/robot"


async def test_it_hears_what_we_write(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path / "engine", server, {"alice": alice}) as kit:
        process = await start(server, bob, tmp_path, "-l")
        try:
            assert process.stdout is not None
            async with asyncio.timeout(30):
                # It may come before the other is there; then the server keeps it.
                await kit.call("chat.send", profile="alice", to=bob.jid, body="ÄÖÜ <&> hello", wait="server")
                while b"hello" not in (line := await process.stdout.readline()):
                    assert line, "go-sendxmpp ended"
            assert "ÄÖÜ <&> hello" in line.decode()
        finally:
            process.terminate()
            await process.wait()
