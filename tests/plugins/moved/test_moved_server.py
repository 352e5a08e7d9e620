# SPDX-License-Identifier: AGPL-3.0-or-later
"""Contacts who move, on real servers, and those who say so falsely (XEP-0283)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from devkit.servers import PrivateServer
from salut.model.errors import SalutError
from salut.plugins.moved.protocol import MOVED, bare_of, stated, statement
from salut.plugins.pep.api import Item
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.invites.test_invites_server import contact
from tests.plugins.roster.test_roster_server import befriend


async def people(kit: EngineKit, server: PrivateServer, *names: str) -> dict[str, str]:
    """Profiles of these names; their addresses."""
    accounts = {name: server.account(name) for name in names}
    for name, account in accounts.items():
        await kit.add(name, account, server)
    return {name: account.jid for name, account in accounts.items()}


async def asks(kit: EngineKit, profile: str, address: str) -> None:
    """Wait until ``address`` has asked to see the profile's presence."""

    async def there() -> bool:
        return bool((await contact(kit, profile, address)).get("asks"))

    await kit.until(there)


def claim(kit: EngineKit, sender: str, to: str, old: str) -> None:
    """Have ``sender`` say that they were ``old``."""
    moved = f"<moved xmlns='{MOVED}'><old-jid>{old}</old-jid></moved>"
    kit.session(sender).send(f"<presence to='{to}' type='subscribe'>{moved}</presence>")


async def test_a_contact_moves_and_is_followed(tmp_path: Path, server: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        at = await people(kit, server, "juliet", "capulet", "romeo")
        await befriend(kit, "juliet", "romeo", at["juliet"], at["romeo"])
        await kit.call(
            "roster.change", profile="romeo", address=at["juliet"], name="Juliet", groups=["Verona"]
        )
        await kit.call("moved.move", profile="juliet", to="capulet")

        async def moves() -> Any:
            return await kit.call("moved.list", profile="romeo")

        (move,) = await kit.until(moves)
        assert (move["old"], move["address"]) == (at["juliet"], at["capulet"])
        await asks(kit, "romeo", at["capulet"])
        assert (await contact(kit, "capulet", at["romeo"]))["pending"] is True
        await kit.call("moved.accept", profile="romeo", address=at["capulet"])
        assert await kit.call("moved.list", profile="romeo") == []
        new = await contact(kit, "romeo", at["capulet"])
        assert (new["name"], new["groups"], new["subscription"]) == ("Juliet", ["Verona"], "from")
        old = await contact(kit, "romeo", at["juliet"])
        assert old["subscription"] == "to", "the old address no longer sees us"


async def test_a_move_that_the_old_account_does_not_state(tmp_path: Path, server: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        at = await people(kit, server, "juliet", "tybalt", "romeo")
        await befriend(kit, "juliet", "romeo", at["juliet"], at["romeo"])
        claim(kit, "tybalt", at["romeo"], at["juliet"])
        await asks(kit, "romeo", at["tybalt"])
        await checked(kit)
        assert await kit.call("moved.list", profile="romeo") == []
        with pytest.raises(SalutError) as unknown:
            await kit.call("moved.accept", profile="romeo", address=at["tybalt"])
        assert unknown.value.code == "not-found"


async def test_a_move_to_somebody_else(tmp_path: Path, server: PrivateServer) -> None:
    """The old account states a move, but to another address than that which claims it."""
    async with running_engine(tmp_path) as kit:
        at = await people(kit, server, "juliet", "capulet", "tybalt", "romeo")
        await befriend(kit, "juliet", "romeo", at["juliet"], at["romeo"])
        await kit.call("moved.move", profile="juliet", to="capulet")
        await kit.until(lambda: kit.call("moved.list", profile="romeo"))
        claim(kit, "tybalt", at["romeo"], at["juliet"])
        await asks(kit, "romeo", at["tybalt"])
        await checked(kit)
        assert [m["address"] for m in await kit.call("moved.list", profile="romeo")] == [at["capulet"]]
        await kit.call("moved.dismiss", profile="romeo", address=at["capulet"])
        assert await kit.call("moved.list", profile="romeo") == []


async def test_a_stranger_has_no_old_account(tmp_path: Path, server: PrivateServer) -> None:
    """Who never saw our presence gains nothing, even if the statement is there (section 4.3)."""
    async with running_engine(tmp_path) as kit:
        at = await people(kit, server, "juliet", "capulet", "romeo")
        await kit.call("moved.move", profile="juliet", to="capulet")
        claim(kit, "capulet", at["romeo"], at["juliet"])
        await asks(kit, "romeo", at["capulet"])
        await checked(kit)
        assert await kit.call("moved.list", profile="romeo") == []


async def test_a_statement_is_taken_back(tmp_path: Path, server: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        at = await people(kit, server, "juliet", "capulet", "romeo")
        await befriend(kit, "juliet", "romeo", at["juliet"], at["romeo"])
        await kit.call("moved.move", profile="juliet", to="capulet")
        await kit.until(lambda: kit.call("moved.list", profile="romeo"))
        pep: Any = kit.engine.plugins.plugins["pep"].port()
        assert stated(await pep.items("romeo", MOVED, of=at["juliet"], ids=["current"])) == at["capulet"]
        await kit.call("moved.stay", profile="juliet")
        assert stated(await pep.items("romeo", MOVED, of=at["juliet"], ids=["current"])) == ""


async def checked(kit: EngineKit) -> None:
    """Wait until the claim that came has been looked at."""
    plugin: Any = kit.engine.plugins.plugins["moved"]

    async def idle() -> bool:
        return not plugin._service._checking and bool(plugin._service._checked)

    await kit.until(idle)


def test_the_example() -> None:
    text = statement("juliet@capulet.example")
    assert text == "<moved xmlns='urn:xmpp:moved:1'><new-jid>juliet@capulet.example</new-jid></moved>"
    assert stated([Item("current", fromstring(text))]) == "juliet@capulet.example"


@pytest.mark.parametrize(
    "text",
    ["<moved xmlns='urn:xmpp:moved:0'><new-jid>a@b</new-jid></moved>", "<moved xmlns='urn:xmpp:moved:1'/>",
     "<moved xmlns='urn:xmpp:moved:1'><new-jid>a@b/c</new-jid></moved>",
     "<moved xmlns='urn:xmpp:moved:1'><new-jid>a@b</new-jid><new-jid>c@d</new-jid></moved>"],
)  # fmt: skip
def test_statements_that_are_none(text: str) -> None:
    assert stated([Item("current", fromstring(text))]) == ""


@pytest.mark.parametrize("text", [None, "", "example.org", "a@b/c", "a b@c", "x" * 5000 + "@b"])
def test_addresses_that_are_no_accounts(text: str | None) -> None:
    assert bare_of(text) == ""
