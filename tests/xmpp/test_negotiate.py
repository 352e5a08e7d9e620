# SPDX-License-Identifier: AGPL-3.0-or-later
"""Login and session as transcripts: what we send (``>>``) and what the server answers (``<<``)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from xml.etree.ElementTree import Element, fromstring

import pytest

from salut.xmpp.config import SessionConfig
from salut.xmpp.errors import LinkFailureError
from salut.xmpp.negotiate import Established, Resume, choose, negotiate
from salut.xmpp.scram import Request
from salut.xmpp.secret import Secret

SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
SM = "xmlns='urn:xmpp:sm:3'"
BIND = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
BOUND = f"<iq type='result' id='bind'>{BIND[:-2]}><jid>alice@localhost/r</jid></bind></iq>"


def offer(*mechanisms: str) -> str:
    listed = "".join(f"<mechanism>{name}</mechanism>" for name in mechanisms)
    return f"<mechanisms {SASL}>{listed}</mechanisms>"


class ScriptedWire:
    """Plays a server. Each line is a prefix that is due from us (``>> ...``) or an answer (``<< ...``)."""

    def __init__(self, script: str, server: Callable[[str, str], str] = lambda said, line: line) -> None:
        self._lines = [line.strip() for line in script.splitlines() if line.strip()]
        self._server = server
        self.said = ""

    async def restart(self, domain: str) -> Element:
        self._expect(f"open {domain}")
        return await self.next()

    async def next(self) -> Element:
        if not self._lines:
            raise AssertionError("we wait for more than the script has")
        line = self._lines.pop(0)
        assert line.startswith("<< "), f"we wait, but the script expects of us: {line}"
        text = self._server(self.said, line[3:])
        return fromstring(
            f"<s xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>{text}</s>"
        )[0]

    def write(self, text: str) -> None:
        self.said = text
        self._expect(text)

    def _expect(self, text: str) -> None:
        line = self._lines.pop(0) if self._lines else "nothing more"
        assert line.startswith(">> "), f"we say {text!r}, the script has {line!r}"
        assert text.startswith(line[3:]), f"we say {text!r}, the script expects {line!r}"

    def finished(self) -> bool:
        return not self._lines


class ScramServer:
    """The server's half of SCRAM-SHA-1, filled into the lines ``CHALLENGE`` and ``SUCCESS``."""

    def __init__(self, password: str = "secret", rounds: int = 4096) -> None:
        self._salted = hashlib.pbkdf2_hmac("sha1", password.encode(), b"salt", rounds)
        self._rounds = rounds
        self._bare = self._first = ""

    def __call__(self, said: str, line: str) -> str:
        if line == "CHALLENGE":
            self._bare = _decoded(said)[3:]
            nonce = self._bare.partition("r=")[2]
            self._first = f"r={nonce}server,s={base64.b64encode(b'salt').decode()},i={self._rounds}"
            return f"<challenge {SASL}>{base64.b64encode(self._first.encode()).decode()}</challenge>"
        if line in ("SUCCESS", "PROOF"):
            bare_final = _decoded(said).partition(",p=")[0]
            message = f"{self._bare},{self._first},{bare_final}".encode()
            key = hmac.digest(self._salted, b"Server Key", "sha1")
            proof = base64.b64encode(b"v=" + base64.b64encode(hmac.digest(key, message, "sha1"))).decode()
            name = "success" if line == "SUCCESS" else "challenge"
            return f"<{name} {SASL}>{proof}</{name}>"
        return line


def _decoded(said: str) -> str:
    return base64.b64decode(fromstring(said).text or "").decode()


async def derive(request: Request) -> bytes:
    return request.derive("secret")


async def play(script: str, *, encrypted: bool = True, resume: Resume | None = None) -> Established:
    wire = ScriptedWire(script, ScramServer())
    config = SessionConfig(jid="alice@localhost", password=Secret("secret"), resource="r")
    result = await negotiate(wire, None, config, encrypted=encrypted, derive=derive, resume=resume)
    assert wire.finished()
    return result


LOGIN = f"""
>> open localhost
<< <stream:features>{offer("PLAIN", "SCRAM-SHA-1")}</stream:features>
>> <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>
<< CHALLENGE
>> <response
<< SUCCESS
>> open localhost
"""


async def test_login_bind_and_managed_session() -> None:
    result = await play(
        LOGIN
        + f"""
        << <stream:features>{BIND}<sm {SM}/></stream:features>
        >> <iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource>
        << <message from='early@localhost'/>
        << {BOUND}
        >> <enable xmlns='urn:xmpp:sm:3' resume='true'/>
        << <enabled {SM} id='some-id' resume='true'/>
        """
    )
    assert (result.jid, result.resumed, result.managed, result.resumption) == (
        "alice@localhost/r",
        False,
        True,
        "some-id",
    )
    assert [element.get("from") for element in result.early] == ["early@localhost"]


async def test_a_server_without_management_and_with_the_old_session_request() -> None:
    result = await play(
        LOGIN
        + f"""
        << <stream:features>{BIND}<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></stream:features>
        >> <iq type='set' id='bind'>
        << {BOUND}
        >> <iq type='set' id='session'>
        << <iq type='result' id='session'/>
        """
    )
    assert not result.managed


async def test_resumption() -> None:
    result = await play(
        LOGIN
        + f"""
        << <stream:features>{BIND}<sm {SM}/></stream:features>
        >> <resume xmlns='urn:xmpp:sm:3' h='7' previd='old'/>
        << <resumed {SM} h='12' previd='old'/>
        """,
        resume=Resume("old", 7),
    )
    assert (result.resumed, result.peer_h, result.resumption) == (True, 12, "old")


async def test_a_resumption_that_fails_falls_back_to_a_fresh_session() -> None:
    result = await play(
        LOGIN
        + f"""
        << <stream:features>{BIND}<sm {SM}/></stream:features>
        >> <resume xmlns='urn:xmpp:sm:3' h='7' previd='old'/>
        << <failed {SM} h='3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>
        >> <iq type='set' id='bind'>
        << {BOUND}
        >> <enable
        << <failed {SM}/>
        """,
        resume=Resume("old", 7),
    )
    assert (result.resumed, result.peer_h, result.managed) == (False, 3, False)


async def test_the_servers_proof_may_come_as_a_challenge() -> None:
    result = await play(
        LOGIN.replace(
            "<< SUCCESS",
            f"<< PROOF\n>> <response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></response>\n<< <success {SASL}/>",
        )
        + f"""
        << <stream:features>{BIND}</stream:features>
        >> <iq type='set' id='bind'>
        << {BOUND}
        """
    )
    assert result.jid == "alice@localhost/r"


async def fails(
    script: str, *, encrypted: bool = True, resume: Resume | None = None
) -> tuple[str, bool, str]:
    with pytest.raises(LinkFailureError) as error:
        await play(script, encrypted=encrypted, resume=resume)
    failure = error.value.failure
    return failure.code, failure.fatal, failure.reason


@pytest.mark.parametrize(
    ("condition", "fatal"),
    [
        ("not-authorized", True),
        ("account-disabled", True),
        ("credentials-expired", True),
        ("temporary-auth-failure", False),
    ],
)
async def test_refusals_and_what_may_pass(condition: str, fatal: bool) -> None:
    script = LOGIN.partition(">> <response")[0] + (
        f">> <response\n<< <failure {SASL}><{condition}/><text>because</text></failure>"
    )
    code, is_fatal, reason = await fails(script)
    assert (code, is_fatal) == (condition, fatal)
    assert "(because)" in reason


async def test_a_success_without_proof_is_not_believed() -> None:
    script = LOGIN.partition("<< SUCCESS")[0] + f"<< <success {SASL}/>"
    assert (await fails(script))[0] == "server-not-proven"


async def test_a_success_before_the_challenge_is_not_believed() -> None:
    script = LOGIN.partition("<< CHALLENGE")[0] + f"<< <success {SASL}/>"
    assert (await fails(script))[0] == "bad-protocol"


async def test_plain_is_never_spoken_without_encryption() -> None:
    script = f">> open localhost\n<< <stream:features>{offer('PLAIN')}</stream:features>"
    assert (await fails(script, encrypted=False))[:2] == ("no-mechanism", True)


async def test_plain_is_spoken_where_nothing_better_is_offered() -> None:
    secret = base64.b64encode(b"\0alice\0secret").decode()
    result = await play(
        f"""
        >> open localhost
        << <stream:features>{offer("X-OAUTH2", "PLAIN")}</stream:features>
        >> <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>
        << <success {SASL}/>
        >> open localhost
        << <stream:features>{BIND}</stream:features>
        >> <iq type='set' id='bind'>
        << {BOUND}
        """
    )
    assert result.jid == "alice@localhost/r"


@pytest.mark.parametrize(
    "answer",
    [
        "<resumed xmlns='urn:xmpp:sm:3' h='12' previd='another'/>",
        "<resumed xmlns='urn:xmpp:sm:3' previd='old'/>",
        "<resumed xmlns='urn:xmpp:sm:3' h='-1' previd='old'/>",
    ],
)
async def test_a_resumption_of_something_else_is_not_believed(answer: str) -> None:
    script = LOGIN + f"<< <stream:features>{BIND}<sm {SM}/></stream:features>\n>> <resume\n<< {answer}"
    assert (await fails(script, resume=Resume("old", 7)))[0] == "bad-protocol"


@pytest.mark.parametrize("jid", ["", "localhost", "alice@localhost", "alice@localhost/" + "r" * 4000])
async def test_an_address_that_is_none_is_refused(jid: str) -> None:
    bound = BOUND.replace("alice@localhost/r", jid)
    script = LOGIN + f"<< <stream:features>{BIND}</stream:features>\n>> <iq type='set' id='bind'>\n<< {bound}"
    assert (await fails(script))[0] == "bad-protocol"


async def test_a_server_that_talks_before_the_session_stands_is_bounded() -> None:
    chatter = "\n".join(["<< <message/>"] * 101)
    script = LOGIN + f"<< <stream:features>{BIND}</stream:features>\n>> <iq type='set' id='bind'>\n{chatter}"
    assert (await fails(script))[0] == "policy-violation"


def test_the_strongest_mechanism_is_chosen() -> None:
    everything = ["PLAIN", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"]
    assert choose(everything, True) == "SCRAM-SHA-512"
    assert choose(everything[:3], True) == "SCRAM-SHA-1"
    for weak in (["DIGEST-MD5"], ["LOGIN", "ANONYMOUS"], []):
        with pytest.raises(LinkFailureError):
            choose(weak, True)
