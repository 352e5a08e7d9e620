# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever a message holds comes back: for every field of the struct, also for those that come later."""

from __future__ import annotations

import asyncio
import tempfile
import types
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salut.frontends.cli.portable import lines, mail
from salut.frontends.cli.portable.found import Entry, Where
from salut.model import moment
from salut.plugins.history.api import Message
from tests.engine_kit import running_engine
from tests.plugins.portability.conftest import AT, ME, ROMEO, ROOM

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)
BODY = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="".join(
    chr(c) for c in range(32) if c not in (9, 10, 13))), max_size=300)  # fmt: skip
GIVEN: dict[str, st.SearchStrategy[Any]] = {
    "id": st.integers(1, 1 << 40),
    "conversation": st.sampled_from([ROMEO, ROOM, f"{ROOM}/Nurse"]),
    "sender": st.sampled_from([ROMEO, f"{ROMEO}/Ä b", ME, f"{ROOM}/Nurse"]),
    "at": st.integers(1, AT),
    "place": st.integers(1, AT),
    "sub": st.integers(-(1 << 50), 1 << 50),
    "body": BODY,
    "kind": st.sampled_from(["chat", "normal", "groupchat", "private"]),
    "state": st.sampled_from(["received", "sent", "delivered", "read", "failed"]),
}


def made(wanted: Any) -> st.SearchStrategy[Any]:
    """Values of a type as it may stand in a struct of the contract."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted is str:
        return TEXT
    if wanted is int:
        return st.integers(0, AT)
    if wanted is bool:
        return st.booleans()
    if origin is list:
        return st.lists(made(inner[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(made(inner[0]), made(inner[1]), max_size=2)
    if origin is types.UnionType:
        return st.one_of(*(st.none() if one is types.NoneType else made(one) for one in inner))
    assert issubclass(wanted, msgspec.Struct), wanted
    fields = {field.name: made(field.type) for field in msgspec.structs.fields(wanted)}
    return st.fixed_dictionaries(fields).map(lambda values: wanted(**values))


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Every field, by its type where nothing better is known."""
    values = {}
    for field in msgspec.structs.fields(Message):
        strategy = GIVEN.get(field.name)
        if strategy is None:
            strategy = made(field.type)
        values[field.name] = draw(strategy)
    return Message(**values)


@given(messages())
@settings(max_examples=200)
def test_a_mail_holds_all(message: Message) -> None:
    plain = msgspec.to_builtins(message)
    raw = mail.mail(ME, plain)
    assert (
        b"\nFrom " not in raw
        and raw.endswith(b"\n")
        and b"\r" not in raw.split(b"\n\n", 1)[1].replace(b"\n", b"")
    )
    assert all(len(line) < 998 for line in raw.split(b"\n"))  # RFC 5322 section 2.1.1
    read = mail.read(Where("x"), raw, moment.now())
    assert isinstance(read, Entry), read
    assert (read.account, read.value) == (ME, message)
    assert mail.message_id(ME, plain) == mail.message_id(ME, {**plain, "id": 1, "state": "read"})


@given(messages())
@settings(max_examples=200)
def test_a_line_holds_all(message: Message) -> None:
    decoder = msgspec.json.Decoder(lines.Line)
    line = decoder.decode(msgspec.json.encode({"of": "x", "message": message}))
    assert line.message == message


@given(st.lists(messages(), max_size=12, unique_by=lambda m: (m.conversation, m.place, m.sub)))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_what_comes_in_goes_out_the_same(found: list[Message]) -> None:
    """Into a daemon, out of it, into another profile: the same, and a second time nothing new."""
    # each message with ids of its own: else two of them may be the same message to history
    unique = [
        msgspec.structs.replace(m, origin=f"o{n}", archive=f"a{n}" if n % 2 else "")
        for n, m in enumerate(found)
    ]

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with running_engine(Path(folder)) as kit:

                async def bring(profile: str, batch: list[Any]) -> Any:
                    mark = await kit.call("portability.begin", profile=profile)
                    return await kit.call(
                        "portability.import_messages", profile=profile, batch=batch, mark=mark
                    )

                async def out(profile: str) -> list[dict[str, Any]]:
                    items: list[dict[str, Any]] = []
                    for c in (await kit.call("history.conversations", profile=profile))["items"]:
                        page = await kit.call(
                            "history.page", profile=profile, conversation=c["address"], since=0, limit=500
                        )
                        items += page["items"]
                    return items

                for name in ("one", "two"):
                    await kit.call(
                        "profiles.create", name=name, address=ME, password="x", settings={"enabled": False}
                    )
                assert await bring("one", [msgspec.to_builtins(m) for m in unique]) == {
                    "stored": len(unique), "known": 0,
                }  # fmt: skip
                first = await out("one")
                assert sorted(_plain(m) for m in first) == sorted(
                    _plain(msgspec.to_builtins(m)) for m in unique
                )
                assert await bring("two", first) == {"stored": len(unique), "known": 0}
                assert sorted(_plain(m) for m in await out("two")) == sorted(_plain(m) for m in first)
                assert await bring("one", first) == {"stored": 0, "known": len(unique)}
                conversations = (await kit.call("history.conversations", profile="one"))["items"]
                assert not any(c.get("unread") for c in conversations)

    asyncio.run(run())


def _plain(message: dict[str, Any]) -> str:
    """But for numbers of messages, which are others in each store."""
    whole = msgspec.convert(message, Message)
    reply = msgspec.structs.replace(whole.reply, message=0) if whole.reply is not None else None
    return repr(msgspec.structs.replace(whole, id=0, reply=reply))
