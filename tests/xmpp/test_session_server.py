# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sessions on real servers: getting online, being told why not, and losing nothing on a bad line."""

from __future__ import annotations

import asyncio
import time
from xml.etree.ElementTree import Element, SubElement

import pytest

from devkit.ca import write_authority
from devkit.ports import PortPool
from devkit.servers import PrivateServer
from salut.xmpp.decode import Inbound
from salut.xmpp.errors import NotStoredError, OfflineError, StanzaError
from salut.xmpp.tls import fingerprint
from tests.xmpp.support import Line, User, config_for, users


def config_of(server: PrivateServer, name: str, **more: object):  # type: ignore[no-untyped-def]
    return config_for(server.account(name), server.ca_file, server.c2s_port, **more)


def text(to: str, body: object, number: object = "") -> str:
    return f"<message to='{to}' type='chat' id='{number or body}'><body>{body}</body></message>"


async def present(*people: User) -> None:
    """All of them online, and known to be so by their server."""
    for user in people:
        await user.session.start()
    for user in people:
        await user.online()
        user.session.announce()
        await user.session.iq("get", "<ping xmlns='urn:xmpp:ping'/>", user.session.config.domain)


async def test_messages_there_and_back_with_acknowledgements(server: PrivateServer) -> None:
    async with users() as make:
        alice, bob = make(config_of(server, "alice")), make(config_of(server, "bob"))
        await present(alice, bob)
        assert alice.stages == ["resolving", "connecting", "authenticating", "online"]
        assert alice.sessions == [False]
        alice.session.send(
            text(bob.session.config.jid, "h\u00e9 <&> \U0001f600".replace("<&>", "&lt;&amp;&gt;")), track="k"
        )
        await bob.until(lambda: bob.messages)
        (message,) = bob.messages
        assert message.parts["body"] == "h\u00e9 <&> \U0001f600"
        assert message.from_ == alice.session.jid
        assert message.type == "chat"
        await alice.until(lambda: alice.acked == ["k"])
        element = Element("message", {"to": alice.session.jid, "type": "chat"})
        SubElement(element, "body").text = "an element"
        bob.session.send(element)
        await alice.until(lambda: alice.bodies == ["an element"])
    assert alice.stages[-1] == "offline"
    assert alice.lost == []


async def test_a_long_message_and_a_burst_pass_whole(server: PrivateServer) -> None:
    async with users() as make:
        alice, bob = make(config_of(server, "alice")), make(config_of(server, "bob"))
        await present(alice, bob)
        long = "long " * 20_000
        alice.session.send(text(bob.session.jid, long, "long"))
        for number in range(500):
            alice.session.send(text(bob.session.jid, number), track=str(number))
        await bob.until(lambda: len(bob.bodies) == 501, within=30)
        assert bob.bodies == [long, *(str(number) for number in range(500))]
        await alice.until(lambda: len(alice.acked) == 500)
        assert alice.acked == [str(number) for number in range(500)]


async def test_direct_tls(server: PrivateServer) -> None:
    async with users() as make:
        account = server.account("alice")
        alice = make(config_for(account, server.ca_file, server.tls_port, direct_tls=True))
        await present(alice)
        assert alice.session.state.endpoint == f"127.0.0.1:{server.tls_port}"


async def test_features_are_known_when_the_session_is_announced(server: PrivateServer) -> None:
    async with users() as make:
        alice = make(config_of(server, "alice"))
        await present(alice)
        features = alice.session.features
        assert "jabber:iq:roster" in features.server.features | {
            "jabber:iq:roster" for t in features.stream if "rosterver" in t
        }
        assert any(i.category == "pubsub" and i.type == "pep" for i in features.account.identities)
        assert "{urn:xmpp:sm:3}sm" in features.stream


async def test_a_wrong_password_is_refused_and_a_right_one_mends_it(server: PrivateServer) -> None:
    async with users() as make:
        jid, password = server.account("alice")
        alice = make(config_for((jid, "wrong"), server.ca_file, server.c2s_port))
        await alice.session.start()
        await alice.until(lambda: alice.session.state.state == "refused")
        assert alice.session.state.code == "not-authorized"
        assert "name and password" in alice.session.state.reason
        assert "wrong" not in repr(alice.session.config)
        alice.session.reconfigure(config_for((jid, password), server.ca_file, server.c2s_port))
        await alice.online()


async def test_a_wrong_port_is_said_at_once_and_mended_by_reconfiguring(prosody: PrivateServer) -> None:
    async with users() as make:
        account = prosody.account("alice")
        pool = PortPool()
        closed = pool.take()
        alice = make(config_for(account, prosody.ca_file, closed))
        await alice.session.start()
        await alice.until(lambda: alice.session.state.state == "retrying", within=3)
        state = alice.session.state
        assert state.code == "connection-refused"
        assert f"127.0.0.1:{closed} refuses connections" in state.reason
        assert state.retry_at is not None
        assert abs(state.retry_at / 1e6 - time.time()) < 2
        alice.session.reconfigure(config_for(account, prosody.ca_file, prosody.c2s_port))
        await alice.online()
        pool.close()


async def test_what_is_no_xmpp_server_is_named_and_a_hanging_one_is_left_at_once() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read(10_000)
        writer.close()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    account = ("alice@localhost", "secret")
    async with users() as make, await asyncio.start_server(shout, "127.0.0.1", 0) as loud:
        alice = make(config_for(account, "", loud.sockets[0].getsockname()[1]))
        await alice.session.start()
        await alice.until(lambda: alice.session.state.state == "retrying")
        assert alice.session.state.code == "not-xmpp"
    async with users() as make, await asyncio.start_server(hang, "127.0.0.1", 0) as silent:
        alice = make(config_for(account, "", silent.sockets[0].getsockname()[1]))
        await alice.session.start()
        await alice.until(lambda: alice.session.state.state == "connecting")
        begin = time.monotonic()
        await alice.session.stop()
        assert time.monotonic() - begin < 0.5
        assert alice.session.state.state == "offline"


async def test_a_bad_certificate_is_explained_and_a_pin_accepts_exactly_it(prosody: PrivateServer) -> None:
    async with users() as make:
        account = prosody.account("alice")
        alice = make(config_for(account, "", prosody.c2s_port))
        await alice.session.start()
        await alice.until(lambda: alice.session.state.state == "refused")
        state, report = alice.session.state, alice.session.certificate
        assert state.code == "bad-certificate"
        assert report is not None
        assert report.sha256 in state.reason
        assert "not trusted" in state.reason
        assert "localhost" in report.names
        alice.session.reconfigure(config_for(account, "", prosody.c2s_port, pins=(report.sha256.upper(),)))
        await alice.online()
        assert alice.session.certificate is None
        other = make(
            config_for(
                prosody.account("bob"), prosody.ca_file, prosody.c2s_port, pins=(fingerprint(b"other"),)
            )
        )
        await other.session.start()
        await other.until(lambda: other.session.state.state == "refused")
        assert other.session.state.code == "bad-certificate"
        assert "pinned" in other.session.state.reason


async def test_a_certificate_for_another_name_is_explained(prosody: PrivateServer) -> None:
    async with users() as make:
        alice = make(config_for(("alice@elsewhere.example", "x"), prosody.ca_file, prosody.c2s_port))
        await alice.session.start()
        await alice.until(lambda: alice.session.state.state == "refused")
        assert (
            "not for elsewhere.example" in alice.session.state.reason
            or alice.session.state.code == "host-unknown"
        )


async def test_c04_a_cut_line_is_resumed_and_nothing_is_lost(server: PrivateServer) -> None:
    async with users() as make, Line(server.c2s_port) as line:
        account = server.account("bob")
        alice = make(config_of(server, "alice"))
        bob = make(config_for(account, server.ca_file, line.port), jitter=lambda: 0.0)
        await present(alice, bob)
        line.freeze(True)  # what is sent now is on its way when the line breaks
        for number in range(20):
            alice.session.send(text(bob.session.config.jid, number))
            bob.session.send(text(alice.session.jid, number), track=f"b{number}")
        await alice.session.iq("get", "<ping xmlns='urn:xmpp:ping'/>", server.domain)
        line.cut()
        await bob.until(lambda: "retrying" in bob.stages)
        line.freeze(False)
        await bob.until(lambda: len(bob.sessions) == 2)
        await bob.until(lambda: len(bob.bodies) >= 20)
        await alice.until(lambda: len(alice.bodies) >= 20)
        await bob.until(lambda: len(bob.acked) >= 20)
        assert bob.sessions == [False, True]
        assert bob.session.resumed
        assert bob.bodies == alice.bodies == [str(number) for number in range(20)]
        assert bob.acked == [f"b{number}" for number in range(20)]
        assert bob.lost == []


async def test_what_is_not_stored_is_not_acknowledged_and_comes_again(server: PrivateServer) -> None:
    async with users() as make:
        alice = make(config_of(server, "alice"))
        bob = make(config_of(server, "bob"), jitter=lambda: 0.0)
        full = True

        async def store(inbound: Inbound) -> None:
            if full and inbound.parts.get("body") == "2":
                raise NotStoredError("disk full")

        bob.store = lambda inbound: store(inbound)
        await present(alice, bob)
        for number in range(4):
            alice.session.send(text(bob.session.config.jid, number))
        await bob.until(lambda: any(s.code == "not-stored" for s in bob.states))
        full = False
        await bob.until(lambda: bob.session.state.state == "online" and len(bob.sessions) >= 2)
        alice.session.send(text(bob.session.config.jid, "last"))
        await bob.until(lambda: "last" in bob.bodies)
        assert set(bob.sessions[1:]) == {True}
        assert bob.bodies.count("2") >= 2
        assert [bob.bodies.count(str(n)) for n in (0, 1, 3)] == [1, 1, 1], (
            "what was stored is not handed over twice"
        )


async def test_messages_that_nobody_stored_come_again_in_a_new_session(prosody: PrivateServer) -> None:
    """A process that dies before it stored: its successor gets the message, since nobody acknowledged it."""
    account = prosody.account("bob")
    async with users() as make, Line(prosody.c2s_port) as line:
        alice = make(config_of(prosody, "alice"))
        dying = make(config_for(account, prosody.ca_file, line.port, resource="same"))
        forever: list[asyncio.Future[None]] = []

        def never(_: Inbound) -> asyncio.Future[None]:
            forever.append(asyncio.get_running_loop().create_future())
            return forever[-1]

        dying.store = never
        await present(alice, dying)
        alice.session.send(text(account.jid, "unsaved"), track="k")
        await dying.until(lambda: dying.messages)
        await alice.until(lambda: alice.acked)
        line.freeze(True)  # it says nothing any more, as a dead process does
        heir = make(config_for(account, prosody.ca_file, prosody.c2s_port, resource="same"))
        await present(heir)
        await heir.until(lambda: "unsaved" in heir.bodies)
        line.cut()
        for future in forever:
            future.cancel()


async def test_a_server_that_goes_and_comes_back(server: PrivateServer) -> None:
    async with users() as make:
        alice = make(config_of(server, "alice"), jitter=lambda: 0.05)
        await present(alice)
        server.stop()
        await alice.until(lambda: alice.session.state.state == "retrying")
        assert alice.session.state.code in ("system-shutdown", "connection-lost", "connection-refused")
        with pytest.raises(OfflineError):
            alice.session.send(text("nobody@localhost", "x"))
        with pytest.raises(StanzaError) as error:
            await alice.session.iq("get", "<ping xmlns='urn:xmpp:ping'/>")
        assert error.value.condition == "not-connected"
        server.start()
        alice.session.retry_now()
        await alice.until(lambda: len(alice.sessions) == 2, within=60)
        assert alice.sessions == [False, False]
        assert not alice.session.resumed


async def test_a_session_that_cannot_be_resumed_reports_what_it_does_not_know(server: PrivateServer) -> None:
    async with users() as make, Line(server.c2s_port) as line:
        alice = make(config_for(server.account("alice"), server.ca_file, line.port), jitter=lambda: 0.0)
        await present(alice)
        line.freeze(True)
        alice.session.send(text("bob@localhost", "perhaps"), track="k")
        question = asyncio.get_running_loop().create_task(
            alice.session.iq("get", "<x xmlns='u:x'/>", "bob@localhost")
        )
        await asyncio.sleep(0)
        server.stop()
        line.cut()
        line.freeze(False)
        server.start()
        alice.session.retry_now()
        await alice.until(lambda: len(alice.sessions) == 2, within=60)
        assert alice.lost == ["k"]
        assert alice.acked == []
        with pytest.raises(StanzaError) as error:
            await question
        assert error.value.condition == "not-connected"


async def test_reconfiguring_while_online_moves_the_session(prosody: PrivateServer) -> None:
    async with users() as make, Line(prosody.c2s_port) as line:
        account = prosody.account("alice")
        alice = make(config_for(account, prosody.ca_file, prosody.c2s_port))
        await present(alice)
        alice.session.reconfigure(config_for(account, prosody.ca_file, line.port, resource="moved"))
        await alice.until(lambda: len(alice.sessions) == 2)
        assert alice.session.state.endpoint == f"127.0.0.1:{line.port}"
        assert alice.session.jid == f"{account.jid}/moved"
        alice.session.reconfigure(
            config_for(account, prosody.ca_file, line.port, resource="moved", priority=5)
        )
        assert alice.session.state.state == "online", "a priority needs no new connection"


async def test_another_client_that_takes_the_place_is_not_fought_with(server: PrivateServer) -> None:
    async with users() as make:
        account = server.account("alice")
        first, second = (
            make(config_for(account, server.ca_file, server.c2s_port, resource="same")) for _ in range(2)
        )
        await present(first)
        await present(second)
        await first.until(lambda: first.session.state.state == "refused")
        assert first.session.state.code == "conflict"
        assert second.session.state.state == "online"


async def test_requests_are_answered_or_refused(server: PrivateServer) -> None:
    async with users() as make:
        alice, bob = make(config_of(server, "alice")), make(config_of(server, "bob"))
        await present(alice, bob)
        info = await alice.session.disco_info(bob.session.jid)
        assert "urn:xmpp:ping" in info.features
        with pytest.raises(StanzaError) as error:
            await alice.session.iq("get", "<x xmlns='u:nobody-knows'/>", bob.session.jid)
        assert error.value.condition in ("feature-not-implemented", "service-unavailable")
        with pytest.raises(StanzaError) as error:
            await alice.session.iq("get", "<x xmlns='u:x'/>", f"{bob.session.config.jid}/nowhere")
        assert error.value.condition == "service-unavailable"


async def test_a_message_that_is_too_large_or_broken_is_refused_here(prosody: PrivateServer) -> None:
    async with users() as make:
        alice = make(config_of(prosody, "alice"))
        await present(alice)
        with pytest.raises(ValueError, match="characters"):
            alice.session.send(text("bob@localhost", "x" * 300_000))
        with pytest.raises(ValueError, match="not a stanza"):
            alice.session.send("</stream:stream>")


async def test_a_frozen_line_is_noticed_by_liveness(
    prosody: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from salut.xmpp import connection, liveness

    monkeypatch.setattr(connection, "TICK", 0.05)
    make_liveness = liveness.Liveness
    monkeypatch.setattr(connection, "Liveness", lambda clock: make_liveness(clock, idle=0.2, bound=0.3))
    async with users() as make, Line(prosody.c2s_port) as line:
        alice = make(config_for(prosody.account("alice"), prosody.ca_file, line.port), jitter=lambda: 0.0)
        await present(alice)
        line.freeze(True)
        await alice.until(lambda: any(s.code == "timeout" for s in alice.states))
        line.cut()
        line.freeze(False)
        await alice.until(lambda: alice.sessions[1:] and alice.session.state.state == "online")
        assert alice.sessions[1] is True


def test_the_authority_of_another_is_not_ours(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Two test CAs differ, or the tests of bad certificates would prove nothing."""
    first, second = (write_authority(tmp_path / name, ["localhost"]) for name in "ab")
    assert first.ca_file.read_bytes() != second.ca_file.read_bytes()
