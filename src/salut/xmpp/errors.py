# SPDX-License-Identifier: AGPL-3.0-or-later
"""What can go wrong on an account's stream, as types."""

from __future__ import annotations

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """Why an attempt or a connection ended.

    ``code`` is a stable word (an RFC 6120 condition where there is one), ``reason`` is for people.
    ``fatal`` failures are those that trying again cannot mend.
    ``redirect`` is ``host`` or ``host:port`` when the server sends us elsewhere (RFC 6120 section 4.9.3.19).
    """

    code: str
    reason: str
    fatal: bool = False
    redirect: str = ""


class LinkFailureError(Exception):
    """A connection attempt, or a connection, failed; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def fail(code: str, reason: str, *, fatal: bool = False) -> LinkFailureError:
    """Shorthand for raising."""
    return LinkFailureError(Failure(code, reason, fatal))


class StanzaError(Exception):
    """An error stanza, received or to be answered (RFC 6120 section 8.3).

    ``condition`` is the defined condition (``item-not-found``, ...), or one of ours for what never reached
    the server: ``not-connected``, ``remote-server-timeout`` for no answer in time.
    """

    def __init__(self, condition: str, text: str = "", type: str = "cancel") -> None:  # noqa: A002 -- RFC's word
        super().__init__(f"{condition}: {text}" if text else condition)
        self.condition = condition
        self.text = text
        self.type = type


class OfflineError(Exception):
    """Something was to be sent while no stream is established; nothing was sent."""


class BusyError(Exception):
    """The server takes no more: the bound on stanzas not yet acknowledged is reached. Nothing was sent."""


class NotStoredError(Exception):
    """Raised by a message handler: the message could not be stored and must not be acknowledged.

    The connection is dropped and resumed, so that the server delivers the message again.
    """
