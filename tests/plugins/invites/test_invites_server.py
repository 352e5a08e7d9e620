# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations on real servers: the daemon's own on both, prosody's with accounts (ejabberd 23.01 makes none)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.servers import Account, PrivateServer
from salut.model import uri
from salut.model.errors import SalutError
from tests.conftest import MakeServer
from tests.engine_kit import BOUND, EngineKit, running_engine
from tests.plugins.account.test_account_server import credentials, place


async def contact(kit: EngineKit, profile: str, address: str) -> dict[str, Any]:
    """What a profile's roster says of someone."""
    page = await kit.call("roster.list", profile=profile)
    return next((item for item in page["items"] if item["address"] == address), {})


async def friends(kit: EngineKit, one: tuple[str, str], other: tuple[str, str]) -> None:
    """Wait until two profiles (name, address) see each other."""

    async def both() -> bool:
        found = [await contact(kit, one[0], other[1]), await contact(kit, other[0], one[1])]
        return all(c.get("subscription") == "both" and not c.get("asks") for c in found)

    await kit.until(both)


async def test_r21_one_link_makes_account_and_contact(tmp_path: Path, prosody: PrivateServer) -> None:
    alice = prosody.account("alice")
    async with running_engine(tmp_path, prosody, {"alice": alice}) as kit:
        made = await kit.call("invites.create", profile="alice", account=True)
        assert (made["address"], made["server"], made["account"]) == (alice.jid, prosody.domain, True)
        assert made["until"] > 0
        form = await kit.call("account.registration_form", link=made["link"], **place(prosody))
        assert (form["server"], form["invited"]) == (prosody.domain, True)
        new = await kit.call(
            "account.register", registration=form["id"], name="new", answers=credentials("romeo-r21")
        )
        await kit.call("profiles.connect", profile="new", wait=BOUND)
        await friends(kit, ("alice", alice.jid), ("new", new["address"]))
        with pytest.raises(SalutError) as used:  # one person, once
            await kit.call("account.registration_form", link=made["link"], **place(prosody))
        assert used.value.code == "refused"


async def test_an_account_invitation_that_was_tampered_with(tmp_path: Path, prosody: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        link = f"xmpp:{prosody.domain}?register;preauth=forged"
        with pytest.raises(SalutError) as refused:
            await kit.call("account.registration_form", link=link, **place(prosody))
        assert refused.value.code == "refused"


async def test_prosody_invites_contacts_itself(tmp_path: Path, prosody: PrivateServer) -> None:
    alice, bob = prosody.account("alice"), prosody.account("bob")
    async with running_engine(tmp_path, prosody, {"alice": alice, "bob": bob}) as kit:
        made = await kit.call("invites.create", profile="alice")
        assert "id" not in made
        await kit.call("invites.use", profile="bob", link=made["link"])
        await friends(kit, ("alice", alice.jid), ("bob", bob.jid))


async def test_a_token_lets_one_person_in_once(tmp_path: Path, server: PrivateServer) -> None:
    names = ("alice", "bob", "carol")
    people = {name: server.account(name) for name in names}
    async with running_engine(tmp_path, server, people) as kit:
        made = await kit.call("invites.create", profile="alice", by="daemon", note="for bob")
        used = await kit.call("invites.use", profile="bob", link=made["link"], name="Alice")
        assert (used["address"], used["token"]) == (people["alice"].jid, True)
        await friends(kit, ("alice", people["alice"].jid), ("bob", people["bob"].jid))
        assert (await contact(kit, "bob", people["alice"].jid))["name"] == "Alice"
        assert "name" not in await contact(kit, "alice", people["bob"].jid), "never what they call themselves"
        (invite,) = await kit.call("invites.list", profile="alice")
        assert (invite["used_by"], invite["note"]) == (people["bob"].jid, "for bob")
        token = uri.parse(made["link"]).parameters["preauth"]
        assert token not in str(invite)
        await kit.call("invites.use", profile="carol", link=made["link"])

        async def asks() -> bool:  # as everybody who has no token
            return bool((await contact(kit, "alice", people["carol"].jid)).get("asks"))

        await kit.until(asks)
        await kit.call("roster.list", profile="alice")
        assert (await contact(kit, "alice", people["carol"].jid)).get("subscription", "none") == "none"
        (again,) = await kit.call("invites.list", profile="alice")
        assert again == invite


async def test_a_token_that_was_taken_back_lets_nobody_in(tmp_path: Path, server: PrivateServer) -> None:
    people = {name: server.account(name) for name in ("alice", "bob")}
    async with running_engine(tmp_path, server, people) as kit:
        made = await kit.call("invites.create", profile="alice", by="daemon")
        await kit.call("invites.revoke", profile="alice", invite=made["id"])
        assert await kit.call("invites.list", profile="alice") == []
        await kit.call("invites.use", profile="bob", link=made["link"])

        async def asks() -> bool:
            return bool((await contact(kit, "alice", people["bob"].jid)).get("asks"))

        await kit.until(asks)
        with pytest.raises(SalutError) as unknown:
            await kit.call("invites.revoke", profile="alice", invite=made["id"])
        assert unknown.value.code == "not-found"


async def test_ejabberd_makes_no_invitations_and_we_say_so(tmp_path: Path, ejabberd: PrivateServer) -> None:
    async with running_engine(tmp_path, ejabberd, {"alice": ejabberd.account("alice")}) as kit:
        made = await kit.call("invites.create", profile="alice")
        assert made["id"], "the daemon makes it"
        for more in ({"account": True}, {"by": "server"}, {"contact": False}):
            with pytest.raises(SalutError) as lacking:
                await kit.call("invites.create", profile="alice", **more)
            assert lacking.value.code == "unavailable"


async def test_an_operator_invites_to_an_account_alone(tmp_path: Path, make_server: MakeServer) -> None:
    """XEP-0401 section 4.4: the command that servers keep for their operators."""
    server = make_server("prosody", extra='admins = { "boss@localhost" }')
    boss = Account(server.register("boss", "secret"), "secret")
    async with running_engine(tmp_path / "salut", server, {"boss": boss}) as kit:
        made = await kit.call("invites.create", profile="boss", contact=False)
        assert (made["kind"], made["address"]) == ("account", server.domain)
        with pytest.raises(SalutError, match="makes an account, not a contact"):
            await kit.call("invites.use", profile="boss", link=made["link"])
        form = await kit.call("account.registration_form", link=made["link"], **place(server))
        await kit.call("account.register", registration=form["id"], name="new", answers=credentials())
        await kit.call("profiles.connect", profile="new", wait=BOUND)
        assert (await kit.call("roster.list", profile="new"))["items"] == []
