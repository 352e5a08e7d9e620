# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whom people mean by what they type."""

from __future__ import annotations

import pytest

from salut.model.errors import SalutError
from salut.plugins.names.api import Named
from salut.plugins.names.matching import Known, complete, merged, resolve

KNOWN = merged(
    [
        Known("home", "bob@example.org", "contact", "Bob"),
        Known("home", "bobby@example.org", "contact", "Bobby Tables"),
        Known("home", "renee@example.org", "contact", "Renée Müller"),
        Known("home", "garden@rooms.example.org", "contact"),  # a conversation that history knows
        Known("home", "garden@rooms.example.org", "room", "The Garden"),
        Known("home", "garden@rooms.example.org/Ann", "private"),
        Known("work", "carol@example.com", "contact", "Carol"),
        Known("work", "bob@example.com", "contact"),
        Known("work", "evil@rooms.example.com", "room", "dave@example.org"),
    ]
)
HOME = [one for one in KNOWN if one.profile == "home"]


@pytest.mark.parametrize(
    ("text", "address", "kind"),
    [
        ("bob@example.org", "bob@example.org", "contact"),
        ("BOB@Example.org", "bob@example.org", "contact"),
        ("Bob", "bob@example.org", "contact"),  # whole, though Bobby begins so too
        ("bobb", "bobby@example.org", "contact"),
        ("Bobby T", "bobby@example.org", "contact"),
        ("renee mu", "renee@example.org", "contact"),
        ("RENÉE MÜLLER", "renee@example.org", "contact"),
        ("garden", "garden@rooms.example.org", "room"),
        ("the g", "garden@rooms.example.org", "room"),
        ("garden@rooms.example.org/Ann", "garden@rooms.example.org/Ann", "private"),
        ("garden@rooms.example.org/Zoe", "garden@rooms.example.org/Zoe", "private"),
        ("bob@example.org/phone", "bob@example.org/phone", "contact"),
        ("new@example.net", "new@example.net", "address"),
        ("bob@example", "bob@example", "address"),  # never the beginning of another's address
    ],
)
def test_resolves(text: str, address: str, kind: str) -> None:
    named = resolve(HOME, ["home"], text)
    assert (named.profile, named.address, named.kind) == ("home", address, kind)


def test_a_room_cannot_take_the_name_of_an_address() -> None:
    assert resolve(KNOWN, ["work"], "dave@example.org") == Named(
        profile="work", address="dave@example.org", kind="address"
    )


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("bo", ["home:bob@example.org", "home:bobby@example.org", "work:bob@example.com"]),
        ("bob", ["home:bob@example.org", "work:bob@example.com"]),
        ("new@example.net", ["home:new@example.net", "work:new@example.net"]),
    ],
)
def test_ambiguous_over_profiles(text: str, candidates: list[str]) -> None:
    with pytest.raises(SalutError) as caught:
        resolve(KNOWN, ["home", "work"], text)
    assert caught.value.code == "ambiguous"
    assert caught.value.data["candidates"] == candidates


def test_ambiguous_in_one_profile_lists_addresses_and_at_most_50() -> None:
    many = [Known("home", f"x{n:03}@example.org", "contact") for n in range(200)]
    with pytest.raises(SalutError) as caught:
        resolve(many, ["home"], "x")
    assert caught.value.data["candidates"] == [f"x{n:03}@example.org" for n in range(50)]


@pytest.mark.parametrize("text", ["nobody", "\u0301", "ob"])
def test_nobody(text: str) -> None:
    with pytest.raises(SalutError) as caught:
        resolve(KNOWN, ["home", "work"], text)
    assert caught.value.code == "not-found"


def test_an_address_that_is_none_is_named_as_such() -> None:
    with pytest.raises(SalutError) as caught:
        resolve(KNOWN, ["home"], "@example.org")
    assert caught.value.code == "invalid"


def test_completes_names_and_addresses() -> None:
    assert complete(HOME, "bo", 50) == ["Bob", "Bobby Tables", "bob@example.org", "bobby@example.org"]
    assert complete(HOME, "ren", 50) == ["Renée Müller", "renee@example.org"]
    assert complete(HOME, "bo", 1) == ["Bob"]
    assert len(complete(HOME, "", 50)) == 9
