# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts made, given other passwords and deleted on real servers (XEP-0077)."""

from __future__ import annotations

import asyncio
import base64
import secrets
from pathlib import Path
from typing import Any

import pytest

from devkit.servers import PrivateServer
from salut.model.errors import SalutError
from salut.plugins.account.service import MOST_OPEN
from tests.conftest import MakeServer
from tests.engine_kit import BOUND, EngineKit, running_engine

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def place(server: PrivateServer) -> dict[str, Any]:
    """Where the server is, as a window says it."""
    return {"host": "127.0.0.1", "port": server.c2s_port, "ca_file": str(server.ca_file)}


async def ask(kit: EngineKit, server: PrivateServer, **more: Any) -> dict[str, Any]:
    """The server's form."""
    given = {"server": server.domain, **place(server), **more}
    form: dict[str, Any] = await kit.call("account.registration_form", **given)
    return form


def credentials(user: str = "") -> dict[str, list[str]]:
    """Answers that every form takes."""
    return {"username": [user or f"new-{secrets.token_hex(4)}"], "password": [secrets.token_urlsafe(12)]}


async def make(kit: EngineKit, server: PrivateServer, name: str) -> tuple[str, str]:
    """A new account with the profile ``name``, online; its address and password."""
    form = await ask(kit, server)
    answers = credentials()
    profile = await kit.call("account.register", registration=form["id"], name=name, answers=answers)
    await kit.call("profiles.connect", profile=name, wait=BOUND)
    return profile["address"], answers["password"][0]


async def test_a_new_account_is_online(tmp_path: Path, server: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        form = await ask(kit, server)
        fields = {field["name"]: field for field in form["form"]["fields"]}
        assert fields["username"]["required"] and fields["password"]["kind"] == "text-private"
        answers = credentials()
        made = await kit.call("account.register", registration=form["id"], name="new", answers=answers)
        assert made["address"] == f"{answers['username'][0]}@{server.domain}"
        online = await kit.call("profiles.connect", profile="new", wait=BOUND)
        assert online["link"]["state"] == "online"
        assert (online["host"], online["port"]) == ("127.0.0.1", server.c2s_port)
        with pytest.raises(SalutError, match="expired") as used:
            await kit.call("account.register", registration=form["id"], name="again", answers=credentials())
        assert used.value.code == "not-found"


async def test_a_taken_name_can_be_answered_again(tmp_path: Path, server: PrivateServer) -> None:
    taken = server.account("taken").jid.partition("@")[0]
    async with running_engine(tmp_path) as kit:
        form = await ask(kit, server)
        with pytest.raises(SalutError) as refused:
            await kit.call(
                "account.register", registration=form["id"], name="new", answers=credentials(taken)
            )
        assert (refused.value.code, refused.value.data["condition"]) == ("exists", "conflict")
        assert await kit.call("profiles.list") == []
        await kit.call("account.register", registration=form["id"], name="new", answers=credentials())
        assert [p["name"] for p in await kit.call("profiles.list")] == ["new"]


async def test_a_password_is_changed_on_the_server_and_here(tmp_path: Path, server: PrivateServer) -> None:
    account = server.account("changes")
    async with running_engine(tmp_path, server, {"me": account}) as kit:
        await kit.call("account.set_password", profile="me", password="tomorrow's password")
        await kit.call("profiles.disconnect", profile="me")
        await kit.call("profiles.connect", profile="me", wait=BOUND)
        with pytest.raises(SalutError) as old:
            await kit.add("old", account, server)
        assert old.value.data["condition"] == "not-authorized"


async def test_an_account_is_deleted_only_when_confirmed(tmp_path: Path, server: PrivateServer) -> None:
    account = server.account("leaves")
    async with running_engine(tmp_path, server, {"me": account}) as kit:
        for wrong in ("", "me", "other@example.org"):
            with pytest.raises(SalutError) as unconfirmed:
                await kit.call("account.unregister", profile="me", confirm=wrong)
            assert unconfirmed.value.data["field"] == "confirm"
        await kit.call("account.unregister", profile="me", confirm=account.jid)
        (profile,) = await kit.call("profiles.list")
        assert not profile["enabled"]
        with pytest.raises(SalutError) as gone:
            await kit.call("profiles.connect", profile="me", wait=BOUND)
        assert gone.value.data["condition"] == "not-authorized"


async def test_a_deleted_account_can_be_forgotten_as_well(tmp_path: Path, server: PrivateServer) -> None:
    account = server.account("forgets")
    async with running_engine(tmp_path, server, {"me": account}) as kit:
        await kit.call("account.unregister", profile="me", confirm=account.jid, forget=True)
        assert await kit.call("profiles.list") == []


async def test_an_untrusted_certificate_gets_no_form(tmp_path: Path, server: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        with pytest.raises(SalutError) as refused:
            await ask(kit, server, ca_file="")
        assert refused.value.data["condition"] == "bad-certificate"
        with pytest.raises(SalutError) as pinned:
            await ask(kit, server, pins=["0" * 64])
        assert pinned.value.data["condition"] == "bad-certificate"


async def test_nothing_is_sent_where_there_is_no_encryption(tmp_path: Path) -> None:
    """A server, or somebody before it, that offers registration in the clear."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"'jabber:client'"))
        writer.write(
            b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
            b"<stream:features><register xmlns='http://jabber.org/features/iq-register'/></stream:features>"
        )
        heard.append(await reader.read(65536))
        heard.append(await reader.read())
        writer.close()

    fake = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        async with running_engine(tmp_path) as kit:
            with pytest.raises(SalutError) as refused:
                await kit.call(
                    "account.registration_form", server="localhost", host="127.0.0.1",
                    port=fake.sockets[0].getsockname()[1],
                )  # fmt: skip
            assert refused.value.data["condition"] == "encryption-required"
            assert b"register" not in b"".join(heard)
    finally:
        fake.close()


async def test_open_forms_are_bounded(tmp_path: Path, prosody: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        forms = [await ask(kit, prosody) for _ in range(MOST_OPEN + 1)]
        for form, code in ((forms[0], "not-found"), (forms[1], "invalid")):
            with pytest.raises(SalutError) as refused:
                await kit.call("account.register", registration=form["id"], name="new", answers={"x": []})
            assert refused.value.code == code


async def test_a_server_without_registration_says_so(tmp_path: Path, make_server: MakeServer) -> None:
    server = make_server("prosody", extra="modules_disabled = { 'register', 'invites_register' }")
    async with running_engine(tmp_path / "salut") as kit:
        with pytest.raises(SalutError) as refused:
            await ask(kit, server)
        assert refused.value.code == "refused"
        assert "does not offer" in refused.value.message


async def test_a_captcha_is_shown_and_answered(tmp_path: Path, make_server: MakeServer) -> None:
    """XEP-0158, XEP-0221, XEP-0231: ejabberd runs a program that draws the letters it is given."""
    note, script = tmp_path / "letters", tmp_path / "draw"
    (tmp_path / "pixel.png").write_bytes(PIXEL)
    script.write_text(f"#!/bin/sh\nprintf %s \"$1\" > '{note}'\ncat '{tmp_path}/pixel.png'\n")
    script.chmod(0o755)
    server = make_server(
        "ejabberd", domain="captcha.localhost",
        extra=f'captcha_cmd: "{script}"\ncaptcha_url: "http://localhost/captcha"',
    )  # fmt: skip
    configuration = server.folder / "ejabberd.yml"
    server.stop()
    text = configuration.read_text().replace("mod_register: {", "mod_register: {captcha_protected: true, ")
    server._write_configuration = lambda: configuration.write_text(text)  # type: ignore[method-assign]
    server.start()
    async with running_engine(tmp_path / "salut") as kit:
        form = await ask(kit, server)
        (field,) = [f for f in form["form"]["fields"] if f.get("media")]
        media = {m["uri"]: m for m in form["media"]}
        shown = media[next(uri for uri in field["media"] if uri in media)]
        assert shown["type"] == "image/png"
        assert base64.b64decode(shown["data"]) == PIXEL
        answers = {**credentials(), field["name"]: ["wrong"]}
        with pytest.raises(SalutError) as wrong:
            await kit.call("account.register", registration=form["id"], name="new", answers=answers)
        assert wrong.value.code == "refused"
        form = await ask(kit, server)
        answers[field["name"]] = [note.read_text()]
        await kit.call("account.register", registration=form["id"], name="new", answers=answers)
        await kit.call("profiles.connect", profile="new", wait=BOUND)
