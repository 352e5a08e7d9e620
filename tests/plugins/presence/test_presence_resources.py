# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which of several resources is shown, what is no contact's presence, and the bounds of it all."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from salut.plugins.presence import resources
from salut.plugins.presence.api import Presence
from salut.plugins.presence.protocol import PresenceProtocol, read
from salut.plugins.presence.resources import Crowd, Heard

BOB = "bob@example.org"


def test_priority_goes_before_show_and_the_newest_before_equals() -> None:
    crowd = Crowd()
    crowd.heard(BOB, "phone", Heard("chat", "phone", 0), stranger=False)
    crowd.heard(BOB, "desk", Heard("away", "desk", 5), stranger=False)
    assert crowd.best(BOB) == Presence(address=BOB, show="away", status="desk", resources=2)
    crowd.heard(BOB, "desk", Heard("dnd", "desk", 0), stranger=False)
    assert crowd.best(BOB) == Presence(address=BOB, show="chat", status="phone", resources=2)
    crowd.heard(BOB, "desk", Heard("chat", "desk", 0), stranger=False)
    assert crowd.best(BOB) == Presence(address=BOB, show="chat", status="desk", resources=2)
    crowd.gone(BOB, "desk")
    assert crowd.best(BOB) == Presence(address=BOB, show="chat", status="phone")
    assert crowd.gone(BOB, "never") == [BOB]
    assert crowd.gone(BOB, "phone") == [BOB]
    assert crowd.best(BOB) is None
    assert crowd.gone(BOB, "phone") == []
    assert crowd.all() == []


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd()
    for n in range(resources.MOST_RESOURCES + 3):
        crowd.heard(BOB, str(n), Heard(status=str(n), priority=-n), stranger=False)
    best = crowd.best(BOB)
    assert best is not None
    assert (best.resources, best.status) == (resources.MOST_RESOURCES, "3")  # the first three went
    for n in range(resources.MOST_STRANGERS + 2):
        changed = crowd.heard(f"{n}@spam.example", "x", Heard(), stranger=True)
    assert changed == [f"{n}@spam.example", "1@spam.example"]
    assert crowd.best("1@spam.example") is None
    assert crowd.best(BOB) is not None
    monkeypatch.setattr(resources, "MOST_ADDRESSES", len(crowd.all()))
    assert crowd.heard("late@example.org", "x", Heard(), stranger=False) == []
    assert crowd.heard(BOB, "more", Heard(), stranger=False) == [BOB]


@pytest.mark.parametrize(
    ("inner", "heard"),
    [
        ("", Heard()),
        ("<show>dnd</show><status>no</status><priority>7</priority>", Heard("dnd", "no", 7)),
        ("<show> xa </show><priority>-128</priority>", Heard("xa", "", -128)),
        ("<show>offline</show><priority>99999999999</priority>", Heard("online", "", 127)),
        ("<show>online</show><priority>x</priority>", Heard()),
        (f"<status>{'é' * 5000}</status>", Heard(status="é" * resources.MAX_TEXT)),
    ],
)
def test_reads(inner: str, heard: Heard) -> None:
    assert read(fromstring(f"<presence xmlns='jabber:client'>{inner}</presence>")) == heard


class _Service:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, Heard | None]] = []

    def heard(self, profile: str, bare: str, resource: str, said: Heard | None) -> None:
        self.told.append((bare, resource, said))


@pytest.mark.parametrize(
    ("attributes", "inner", "told"),
    [
        ("from='BOB@example.org/Desk'", "", (BOB, "Desk", Heard())),
        ("from='bob@example.org/Desk' type='unavailable'", "", (BOB, "Desk", None)),
        ("from='bob@example.org' type='unavailable'", "", (BOB, "", None)),
        ("from='bob@example.org/Desk' type='error'", "", (BOB, "", None)),
        ("from='room@muc.example.org/bob'", "<x xmlns='http://jabber.org/protocol/muc#user'/>", None),
        ("from='bob@example.org/Desk' type='subscribe'", "", None),
        ("from='me@example.org/other'", "", None),
        ("from='@/'", "", None),
        ("", "", None),
    ],
)
def test_whose_presence_counts(
    attributes: str, inner: str, told: tuple[str, str, Heard | None] | None
) -> None:
    service = _Service()
    protocol = PresenceProtocol(service)  # type: ignore[arg-type]  # all that it calls
    stanza = fromstring(f"<presence xmlns='jabber:client' {attributes}>{inner}</presence>")
    protocol.received("me", "me@example.org", stanza)
    assert service.told == ([told] if told is not None else [])
