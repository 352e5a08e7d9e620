# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages that act on messages: the same in whatever order they arrive, and only from those who may."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salut.model.errors import SalutError
from salut.plugins.history.acts import Author, Deed, fold, may
from salut.plugins.history.api import History, NewMessage
from salut.plugins.history.content import Act, Attachment, Content, Reply
from tests.engine_kit import EngineKit, running_engine

OTHER = "other@localhost"
ROOM = "room@muc.localhost"


def port(kit: EngineKit) -> History:
    """History as plugins see it."""
    return cast("History", kit.engine.plugins.plugins["history"].port())


async def profile(kit: EngineKit, name: str = "me") -> str:
    """A profile that is not connected."""
    await kit.call(
        "profiles.create", name=name, address="me@localhost", password="x", settings={"enabled": False}
    )
    return name


def said(number: int, body: str, **more: Any) -> NewMessage:
    """A message of the other's; its number gives ids and place."""
    values: dict[str, Any] = {
        "conversation": OTHER,
        "sender": f"{OTHER}/phone",
        "body": body,
        "origin": f"o{number}",
        "archive": f"a{number}",
        "at": 1_000_000 * number,
        "place": 1_000_000 * number,
    }
    return NewMessage(**(values | more))


def acts_on(number: int, does: str, target: str, body: str = "", **more: Any) -> NewMessage:
    """A message of the other's that acts on one."""
    reactions = more.pop("reactions", [])
    act = Act(kind=does, target=target, reactions=reactions)  # type: ignore[arg-type]  # a str to mypy
    return said(number, body, act=act, **more)


def shape(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What matters of messages, without their numbers."""
    names = ("body", "edited_at", "retraction", "reactions", "place", "sub", "mention")
    return [{name: message.get(name) for name in names} for message in messages]


def story() -> list[NewMessage]:
    """A conversation in the order in which it happened."""
    mine = {"sender": "me@localhost/desk", "outgoing": True, "state": "sent"}
    return [
        said(1, "frist"),
        said(2, "mine", **mine),
        acts_on(3, "edit", "o1", "first!"),
        acts_on(4, "react", "o2", reactions=["👍", "🎂"]),
        acts_on(5, "edit", "o1", "first"),
        acts_on(6, "react", "o1", reactions=["❤"], **mine),
        said(7, "regretted"),
        acts_on(8, "react", "o2", reactions=["👍"]),
        acts_on(9, "retract", "o7"),
        acts_on(10, "edit", "o7", "too late"),
        said(11, "last"),
    ]


async def test_the_result_is_the_same_in_every_order_of_arrival(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        results = []
        for seed in range(25):
            name = await profile(kit, f"p{seed}")
            news = story()
            chance = random.Random(seed)
            if seed == 1:
                news.reverse()  # as archives are read
            elif seed:
                chance.shuffle(news)
            sizes = itertools.cycle([chance.randint(1, 4) for _ in range(5)])
            while news:
                size = next(sizes)
                batch, news = news[:size], news[size:]
                await kit.engine.journal.commit(name, lambda tx, batch=batch: port(kit).store(tx, batch))
            await kit.engine.journal.commit(name, lambda tx: port(kit).store(tx, story()))  # all come again
            shown = shape(await kit.messages(name, OTHER))
            page = await kit.call("history.conversations", profile=name)
            (conversation,) = page["items"]
            found = await kit.call("history.search", profile=name, query="first")
            gone = await kit.call("history.search", profile=name, query="regretted")
            results.append((shown, conversation["preview"], len(found["items"]), len(gone["items"])))
        assert [message["body"] for message in results[0][0]] == ["first", "mine", "", "last"]
        assert results[0][0][0]["reactions"] == [{"emoji": "❤", "senders": ["me@localhost"], "mine": True}]
        assert results[0][0][1]["reactions"] == [{"emoji": "👍", "senders": [OTHER]}]
        assert results[0][1:] == ("last", 1, 0)
        for seed, result in enumerate(results):
            assert result == results[0], seed


async def test_a_correction_whose_message_never_comes_is_a_message(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        name = await profile(kit)
        stored = await port(kit).ingest(name, acts_on(5, "edit", "nobody has it", "better"))
        assert stored is not None
        assert [m["body"] for m in await kit.messages(name, OTHER)] == ["better"]


async def test_only_its_author_corrects_or_retracts_a_message(tmp_path: Path) -> None:
    """Forged ones: the first becomes an ordinary message of who sent it, the second has no effect."""
    mallory = {"conversation": ROOM, "conversation_kind": "room", "kind": "groupchat", "stream": ROOM}
    async with running_engine(tmp_path) as kit:
        name = await profile(kit)
        history = port(kit)
        await history.ingest(name, said(1, "true", **mallory, sender=f"{ROOM}/alice", occupant="A"))
        for number, occupant in ((2, "B"), (3, "")):
            sender = {"sender": f"{ROOM}/alice", "occupant": occupant}
            await history.ingest(name, acts_on(number * 10, "edit", "o1", "forged", **mallory, **sender))
            await history.ingest(name, acts_on(number * 10 + 1, "retract", "a1", **mallory, **sender))
        moderation = acts_on(50, "moderate", "a1", **mallory, sender=f"{ROOM}/alice", occupant="A")
        await history.ingest(name, moderation)
        shown = await kit.messages(name, ROOM)
        assert [m["body"] for m in shown] == ["true", "forged", "forged"]
        assert not any(m.get("edited_at") or m.get("retraction") for m in shown)
        await history.ingest(
            name, acts_on(60, "edit", "o1", "mended", **mallory, sender=f"{ROOM}/alicia", occupant="A")
        )
        await history.ingest(name, acts_on(61, "moderate", "a20", **mallory, sender=ROOM))
        shown = await kit.messages(name, ROOM)
        assert [m["body"] for m in shown] == ["mended", "", "forged"]
        assert shown[1]["retraction"]["moderated"] is True


async def test_c22_an_id_that_means_several_messages_of_a_room_means_none(tmp_path: Path) -> None:
    room = {"conversation": ROOM, "conversation_kind": "room", "kind": "groupchat", "stream": ROOM}
    async with running_engine(tmp_path) as kit:
        name = await profile(kit)
        for number, who in ((1, "alice"), (2, "bob")):
            await port(kit).ingest(
                name, said(number, who, **room, origin="same", archive="", sender=f"{ROOM}/{who}")
            )
        await port(kit).ingest(
            name, acts_on(3, "react", "same", reactions=["👍"], **room, sender=f"{ROOM}/carol")
        )
        assert not any(m.get("reactions") for m in await kit.messages(name, ROOM))


async def test_what_the_person_does_is_pending_until_the_server_has_it(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        name = await profile(kit)
        history = port(kit)
        mine = await history.ingest(
            name, said(1, "mine", sender="me@localhost", outgoing=True, state="sent", archive="")
        )
        theirs = await history.ingest(name, said(2, "theirs"))
        assert mine is not None and theirs is not None
        edited = await kit.call("edits.edit", profile=name, message=mine.id, body="mine, mended")
        assert (edited["body"], bool(edited["edited_at"])) == ("mine, mended", True)
        reacted = await kit.call("reactions.react", profile=name, message=theirs.id, add=["👍"])
        assert reacted["reactions"] == [{"emoji": "👍", "senders": ["me@localhost"], "mine": True}]
        pending = await history.pending_acts(name)
        assert [own.act.kind for own in pending] == ["edit", "react"]
        await history.set_state(name, origin=pending[0].origin, state="sent", by=OTHER)
        await history.set_state(name, origin=pending[1].origin, state="failed", error="not here", by=OTHER)
        assert await history.pending_acts(name) == []
        shown = await kit.messages(name, OTHER)
        assert (shown[0]["body"], shown[1].get("reactions"), shown[1]["error"]) == (
            "mine, mended",
            None,
            "not here",
        )
        versions = await kit.call("history.versions", profile=name, message=mine.id)
        assert [version["body"] for version in versions] == ["mine", "mine, mended"]
        with pytest.raises(SalutError) as refused:
            await kit.call("edits.edit", profile=name, message=theirs.id, body="not mine")
        assert refused.value.code == "refused"


async def test_a_retracted_message_leaves_no_text(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        name = await profile(kit)
        await port(kit).ingest(name, said(1, "ein Geheimnis"))
        await port(kit).ingest(name, acts_on(2, "edit", "o1", "ein kleines Geheimnis"))
        await port(kit).ingest(name, acts_on(3, "retract", "o1"))
        read = kit.engine.plugins.plugins["history"].host.readers.read
        for table, column in (("message", "body"), ("act", "value"), ("message_text", "body")):
            found = await read(
                lambda store, t=table, c=column: store.all(f"SELECT 1 FROM {t} WHERE {c} LIKE '%Geheimnis%'")
            )
            assert found == [], table
        (conversation,) = (await kit.call("history.conversations", profile=name))["items"]
        assert (conversation.get("unread", 0), conversation.get("preview", "")) == (0, "")


async def test_an_answer_finds_its_question_later(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        name = await profile(kit)
        await port(kit).ingest(name, said(2, "Four.", reply=Reply(ref="o1", to=OTHER)))
        (answer,) = await kit.messages(name, OTHER)
        assert "message" not in answer["reply"]
        await port(kit).ingest(name, said(1, "When is tea?"))
        question, answer = await kit.messages(name, OTHER)
        assert answer["reply"]["message"] == question["id"]


async def test_what_a_message_holds_is_kept(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        name = await profile(kit)
        await port(kit).ingest(
            name,
            said(1, "", attachments=[Attachment(url="https://x.example/a.png", size=7)], encryption="OMEMO"),
        )
        (message,) = await kit.messages(name, OTHER)
        assert message["attachments"] == [{"url": "https://x.example/a.png", "size": 7}]
        assert message["encryption"] == "OMEMO"


DEEDS = st.lists(
    st.tuples(
        st.integers(1, 9), st.sampled_from(["me", "a", "b"]), st.sampled_from(["edit", "react", "retract"])
    ),
    max_size=12,
    unique_by=lambda deed: deed[0],
)


@given(DEEDS, st.randoms(use_true_random=False))
def test_fold_does_not_depend_on_order(deeds: list[tuple[int, str, Any]], chance: random.Random) -> None:
    all_deeds = [
        Deed(
            (n, 0, n),
            n,
            actor,
            actor,
            actor == "me",
            Act(kind=kind, reactions=[str(n)]),
            Content(body=str(n)),
        )
        for n, actor, kind in deeds
    ]
    result = fold(Content(body="base"), all_deeds)
    shuffled = all_deeds[:]
    chance.shuffle(shuffled)
    assert fold(Content(body="base"), shuffled) == result
    if any(kind == "retract" for _, _, kind in deeds):
        assert result.content.body == "" and result.retraction is not None


@pytest.mark.parametrize(
    ("actor", "author", "kind", "at", "allowed"),
    [
        (Author("a@x/1", "", False), Author("a@x/2", "", False), "contact", 5, True),
        (Author("b@x/1", "", False), Author("a@x/1", "", False), "contact", 5, False),
        (Author("me@x", "", True), Author("a@x/1", "", False), "contact", 5, False),
        (Author("a@x/1", "", False), Author("me@x", "", True), "contact", 5, False),
        (Author("r@x/n", "", False, since=4), Author("r@x/n", "", False), "room", 5, True),
        (Author("r@x/n", "", False, since=6), Author("r@x/n", "", False), "room", 5, False),
        (Author("r@x/n", "", False), Author("r@x/n", "", False), "room", 5, False),
        (Author("r@x/n", "1", False), Author("r@x/m", "1", False), "room", 5, True),
        (Author("r@x/n", "1", False, since=1), Author("r@x/n", "2", False), "room", 5, False),
        (Author("r@x/n", "", False), Author("r@x/n", "", False), "private", 5, True),
    ],
)
def test_who_may_correct(actor: Author, author: Author, kind: Any, at: int, allowed: bool) -> None:
    """XEP-0308 sections 4 and 5, XEP-0424 section 6."""
    for what in ("edit", "retract"):
        assert may(Act(kind=what), actor, author, kind, "r@x", at) is allowed  # type: ignore[arg-type]
