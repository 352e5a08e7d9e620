# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a daemon or a bare client of the benches connects to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devkit.bench.processes import Child
from devkit.ca import TestAuthority
from devkit.prosody import Prosody
from devkit.servers import Account, ServerOptions

USER = "user@localhost"
PASSWORD = "secret"  # of the fake server's only account


class FakeServer(Child):
    """``devkit.fakeserver`` with direct TLS; the messages come from ``senders`` addresses."""

    def __init__(
        self, authority: TestAuthority, senders: int, *, members: int = 0, contacts: int = 0
    ) -> None:
        numbers = {"--senders": senders, "--members": members, "--contacts": contacts}
        super().__init__(
            ["-m", "devkit.fakeserver", "--certificate", str(authority.server_pem)]
            + [word for name, number in numbers.items() for word in (name, str(number))]
        )
        self.authority = authority
        self.port = int(self.hear("ready")[0])

    def settings(self) -> dict[str, object]:
        """For a profile of the daemon."""
        ca = str(self.authority.ca_file)
        return {"host": "127.0.0.1", "port": self.port, "direct_tls": True, "ca_file": ca}

    def bare(self, *options: str) -> Child:
        """A bare slixmpp client, online."""
        return bare_client(USER, PASSWORD, self.port, self.authority.ca_file, *options)


def bare_client(jid: str, password: str, port: int, ca_file: Path, *options: str) -> Child:
    """A bare slixmpp client, online; end it with ``close`` or ``with``."""
    arguments = ["-m", "devkit.bench.bare", jid, "localhost", str(port), str(ca_file)]
    child = Child([*arguments, *options], env={"BENCH_PASSWORD": password})
    try:
        child.hear("online", 30)
    except BaseException:
        child.close()
        raise
    return child


@contextmanager
def prosody(folder: Path) -> Iterator[Prosody]:
    """A real server at its fastest: without archive."""
    with Prosody(folder, options=ServerOptions(mam=False)) as server:
        yield server


def bare_on(server: Prosody, account: Account, *options: str) -> Child:
    """A bare slixmpp client on a real server, online."""
    return bare_client(account.jid, account.password, server.c2s_port, server.ca_file, "--starttls", *options)
