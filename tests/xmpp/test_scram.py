# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCRAM against the RFCs' own examples, and against servers that lie."""

from __future__ import annotations

import pytest

from salut.xmpp.errors import LinkFailureError
from salut.xmpp.saslprep import saslprep
from salut.xmpp.scram import FEWEST_ROUNDS, MOST_ROUNDS, Scram

VECTORS = {
    "RFC 5802 section 5": (
        "SCRAM-SHA-1",
        "fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "RFC 7677 section 3": (
        "SCRAM-SHA-256",
        "rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_examples_of_the_rfcs(name: str) -> None:
    mechanism, nonce, challenge, final, verifier = VECTORS[name]
    scram = Scram(mechanism, "user", nonce)
    assert scram.first() == f"n,,n=user,r={nonce}".encode()
    request = scram.challenge(challenge)
    assert request.rounds == 4096
    assert scram.final(request.derive("pencil")) == final
    scram.verify(verifier)


def test_a_server_that_cannot_prove_itself_is_refused_for_good() -> None:
    mechanism, nonce, challenge, _, verifier = VECTORS["RFC 7677 section 3"]
    for lie in (b"v=AAAA", b"", b"e=other-error", verifier.replace(b"6rri", b"7rri")):
        scram = Scram(mechanism, "user", nonce)
        scram.final(scram.challenge(challenge).derive("pencil"))
        with pytest.raises(LinkFailureError) as error:
            scram.verify(lie)
        assert error.value.failure.fatal
    with pytest.raises(LinkFailureError):
        Scram(mechanism, "user", nonce).verify(verifier)


@pytest.mark.parametrize(
    "challenge",
    [
        b"r=other,s=QSXCR+Q6sek8bf92,i=4096",
        b"r=abc,s=QSXCR+Q6sek8bf92,i=4096",
        b"r=abcdef,s=QSXCR+Q6sek8bf92,i=4095",
        b"r=abcdef,s=QSXCR+Q6sek8bf92,i=10000001",
        b"r=abcdef,s=QSXCR+Q6sek8bf92,i=99999999999999999999",
        b"r=abcdef,s=QSXCR+Q6sek8bf92,i=-1",
        b"r=abcdef,s=QSXCR+Q6sek8bf92,i=\xd9\xa1",
        b"r=abcdef,s=QSXCR+Q6sek8bf92",
        b"r=abcdef,s=!!!,i=4096",
        b"m=ext,r=abcdef,s=QSXCR+Q6sek8bf92,i=4096",
        b"\xff\xfe",
        b"",
        b",,,===",
    ],
)
def test_challenges_that_are_not_answered(challenge: bytes) -> None:
    with pytest.raises(LinkFailureError):
        Scram("SCRAM-SHA-1", "user", "abc").challenge(challenge)


def test_the_bounds_on_rounds_are_themselves_allowed() -> None:
    for rounds in (FEWEST_ROUNDS, MOST_ROUNDS):
        challenge = f"r=abcdef,s=QSXCR+Q6sek8bf92,i={rounds}".encode()
        assert Scram("SCRAM-SHA-1", "user", "abc").challenge(challenge).rounds == rounds


def test_nonces_differ_and_names_are_escaped() -> None:
    first, second = (Scram("SCRAM-SHA-1", "a=b,c").first() for _ in range(2))
    assert first != second
    assert first.startswith(b"n,,n=a=3Db=2Cc,r=")


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
    ],
)
def test_saslprep_as_rfc_4013_shows_it(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "a\u0000"])
def test_saslprep_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="SASLprep"):
        saslprep(text)
