# SPDX-License-Identifier: AGPL-3.0-or-later
"""SCRAM (RFC 5802, RFC 7677) as a client, without I/O, and without the costly part in the loop.

The costly part, ``Request.derive`` (PBKDF2), is a pure function: the caller runs it in a thread and may
keep its result.
No channel binding: Python 3.11 offers none that works on TLS 1.3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

import msgspec

from salut.xmpp.errors import fail
from salut.xmpp.saslprep import saslprep

HASHES: Final = {"SCRAM-SHA-512": "sha512", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
"""Mechanism -> hash, the strongest first."""

MOST_ROUNDS = 10_000_000
"""A server that asks for more only wants to keep us busy (10 million rounds are several seconds)."""
FEWEST_ROUNDS = 4096
"""What RFC 5802 and RFC 7677 ask for at least. The proof that we send can be attacked offline by whoever
runs the server (or stole its certificate); with fewer rounds a false server would get it almost for free."""


class Request(msgspec.Struct, frozen=True):
    """What the server wants derived from the password."""

    algorithm: str
    salt: bytes
    rounds: int

    def derive(self, password: str) -> bytes:
        """PBKDF2: takes from milliseconds to seconds and releases the interpreter lock."""
        return hashlib.pbkdf2_hmac(self.algorithm, saslprep(password).encode(), self.salt, self.rounds)


class Scram:
    """One authentication: ``first`` -> server -> ``challenge`` -> ``final`` -> server -> ``verify``."""

    def __init__(self, mechanism: str, user: str, nonce: str | None = None) -> None:
        self._algorithm = HASHES[mechanism]
        self._nonce = nonce or secrets.token_urlsafe(24)
        name = saslprep(user).replace("=", "=3D").replace(",", "=2C")
        self._first_bare = f"n={name},r={self._nonce}"
        self._server_first = ""
        self._full_nonce = ""
        self._signature = b""

    def first(self) -> bytes:
        """The client's first message."""
        return f"n,,{self._first_bare}".encode()

    def challenge(self, data: bytes) -> Request:
        """Read the server's first message. Raises ``LinkFailureError`` for what is not to be answered."""
        self._server_first, fields = _fields(data)
        nonce, salt, rounds = fields.get("r", ""), fields.get("s", ""), fields.get("i", "")
        if "m" in fields or not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise fail("bad-challenge", "the server's login challenge is not an answer to our question")
        if not rounds.isascii() or not rounds.isdigit() or len(rounds) > 9:
            raise fail("bad-challenge", "the server's login challenge has no usable number of rounds")
        if not FEWEST_ROUNDS <= int(rounds) <= MOST_ROUNDS:
            raise fail(
                "bad-challenge",
                f"the server asks for {rounds} password rounds, not {FEWEST_ROUNDS} to {MOST_ROUNDS}",
                fatal=True,
            )
        self._full_nonce = nonce
        return Request(self._algorithm, _base64(salt), int(rounds))

    def final(self, salted: bytes) -> bytes:
        """The client's final message, with the proof."""
        client_key = self._hmac(salted, b"Client Key")
        without_proof = f"c=biws,r={self._full_nonce}"
        message = f"{self._first_bare},{self._server_first},{without_proof}".encode()
        signature = self._hmac(hashlib.new(self._algorithm, client_key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._signature = self._hmac(self._hmac(salted, b"Server Key"), message)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, data: bytes) -> None:
        """The server proves that it knows the account too. Raises ``LinkFailureError`` if it does not."""
        _, fields = _fields(data)
        given = _base64(fields.get("v", ""))
        if not self._signature or not hmac.compare_digest(given, self._signature):
            raise fail(
                "server-not-proven",
                "the server could not prove that it knows this account; somebody may stand between",
                fatal=True,
            )

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._algorithm)


def _fields(data: bytes) -> tuple[str, dict[str, str]]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise fail("bad-challenge", "the server's login challenge is not UTF-8") from None
    return text, {key: value for key, _, value in (item.partition("=") for item in text.split(","))}


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise fail("bad-challenge", "the server's login challenge is not base64") from None
