# SPDX-License-Identifier: AGPL-3.0-or-later
"""The typed faces: calls, cuts, resumes, pings and slow readers, against a fake daemon."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from salut.api.core import DaemonApi, Profile, ProfileChange, ProfilesApi
from salut.api.wire import Position
from salut.client import aio, sync
from salut.client.link import LinkView
from salut.client.replica import Reset, Update
from salut.client.timeline import Timeline
from salut.model.errors import SalutError
from salut.plugins.chat.api import ChatApi
from salut.plugins.drafts.api import Draft, DraftsApi
from salut.plugins.history.api import Message
from tests.client.fake import HELLO, FakeDaemon

MESSAGE: dict[str, Any] = {
    "id": 17, "conversation": "bob@x", "place": 5, "at": 5, "sender": "alice@x", "body": "Hi",
}  # fmt: skip


@pytest.fixture
async def client(daemon: FakeDaemon) -> AsyncIterator[aio.Client]:
    async with await connect(daemon) as connected:
        yield connected


async def connect(daemon: FakeDaemon, **options: Any) -> aio.Client:
    return await aio.connect(f"unix:{daemon.path}", start=False, **options)


def draft(text: str) -> dict[str, Any]:
    return {"conversation": "bob@x", "text": text, "at": 1}


async def test_calls_are_typed_and_writes_carry_an_op(daemon: FakeDaemon, client: aio.Client) -> None:
    daemon.methods["chat.send"] = lambda params: (MESSAGE, {"alice": 42})
    answer = await client.ask(ChatApi.send, profile="alice", to="bob@x", body="Hi")
    assert answer.value == Message(**MESSAGE)
    assert answer.seq == {"alice": 42}
    (call,) = [m for m in daemon.received if m["method"] == "chat.send"]
    assert len(call["params"].pop("op")) == 32
    assert call["params"] == {"profile": "alice", "to": "bob@x", "body": "Hi"}
    daemon.methods["drafts.list"] = lambda params: ([draft("a")], {})
    assert await client.call(DraftsApi.list, profile="alice") == [Draft(**draft("a"))]


async def test_structs_travel_as_parameters(daemon: FakeDaemon, client: aio.Client) -> None:
    profile: dict[str, Any] = {"name": "alice", "address": "alice@x", "enabled": False}
    daemon.methods["profiles.change"] = lambda params: (profile, {"": 1})
    got = await client.call(ProfilesApi.change, profile="alice", settings=ProfileChange(enabled=False))
    assert got == Profile(**profile)
    assert daemon.received[-1]["params"]["settings"] == {"enabled": False}


async def test_errors_are_typed(client: aio.Client) -> None:
    with pytest.raises(SalutError) as caught:
        await client.call(DaemonApi.info)
    assert caught.value.code == "unknown-method"


async def test_a_value_that_is_not_as_promised_is_named(daemon: FakeDaemon, client: aio.Client) -> None:
    daemon.methods["daemon.log"] = lambda params: ([1], {})
    with pytest.raises(SalutError, match="str") as caught:
        await client.call(DaemonApi.log)
    assert caught.value.code == "internal"


async def test_what_is_no_contract_method_is_refused(client: aio.Client) -> None:
    async def stray(self: object) -> None: ...

    with pytest.raises(TypeError):
        await client.call(stray)


async def test_a_write_is_repeated_after_a_cut_and_done_once(daemon: FakeDaemon, client: aio.Client) -> None:
    daemon.methods["chat.send"] = lambda params: (MESSAGE, {"alice": 1})
    daemon.cuts_before_answer = 2
    message = await client.call(ChatApi.send, profile="alice", to="bob@x", body="Hi")
    assert message.id == 17
    assert daemon.done["chat.send"] == 1
    assert daemon.count("chat.send") == 3


async def test_what_must_not_be_repeated_fails_at_a_cut(daemon: FakeDaemon, client: aio.Client) -> None:
    daemon.methods["daemon.stop"] = lambda params: (None, {})
    daemon.cuts_before_answer = 1
    with pytest.raises(SalutError) as caught:
        await client.call(DaemonApi.stop)
    assert caught.value.code == "no-daemon"
    assert daemon.count("daemon.stop") == 1


async def test_a_call_waits_for_the_daemon_to_come_back(daemon: FakeDaemon, client: aio.Client) -> None:
    daemon.methods["daemon.log"] = lambda params: (["well"], {})
    states: list[str] = []
    lost = asyncio.Event()

    def watch(view: LinkView) -> None:
        states.append(view.state)
        if view.state == "lost":
            assert view.reason and view.next_try
            lost.set()

    client.on_link(watch)
    await daemon.stop()
    await asyncio.wait_for(lost.wait(), 5)
    async with asyncio.TaskGroup() as group:
        call = group.create_task(client.call(DaemonApi.log))
        await daemon.start()
    assert call.result() == ["well"]
    assert states[0] == "lost" and states[-1] == "connected"


async def test_a_call_without_a_daemon_ends_in_time(daemon: FakeDaemon) -> None:
    async with await connect(daemon, call_seconds=0.2) as client:
        await daemon.stop()
        with pytest.raises(SalutError) as caught:
            await client.call(DaemonApi.log)
        assert caught.value.code == "no-daemon"


async def test_a_silent_daemon_is_a_timeout(daemon: FakeDaemon) -> None:
    async with await connect(daemon, call_seconds=0.05) as client:
        daemon.silent = True
        with pytest.raises(SalutError) as caught:
            await client.call(DaemonApi.log)
        assert caught.value.code == "timeout"


async def test_attach_follow_and_read_ones_writes(daemon: FakeDaemon, client: aio.Client) -> None:
    daemon.commit("alice", "draft", "bob@x", draft("old"))
    stream = client.changes()
    assert await client.attach("test", kind="other") == "w7" == client.window
    assert client.replica.one("alice", Draft, "bob@x") == Draft(**draft("old"))
    assert daemon.received[-1]["params"]["window"] == {"name": "test", "kind": "other", "version": ""}

    daemon.methods["drafts.set"] = lambda params: (
        draft(params["text"]),
        {"alice": daemon.commit("alice", "draft", "bob@x", draft(params["text"]))},
    )
    answer = await client.ask(DraftsApi.set, profile="alice", conversation="bob@x", text="new")
    await client.reached(answer.seq)
    assert client.replica.one("alice", Draft, "bob@x") == answer.value
    with pytest.raises(SalutError):
        await client.reached({"alice": 99}, timeout=0.01)
    events = [await anext(stream) for _ in range(4)]
    assert [type(event) for event in events] == [Reset, Reset, Update, Update]
    old, new = events[2:]
    assert isinstance(old, Update) and isinstance(new, Update)
    assert (old.rev, old.live, new.rev, new.live) == (1, False, 2, True)


async def test_resume_after_a_cut_misses_nothing(daemon: FakeDaemon, client: aio.Client) -> None:
    await client.attach("test")
    stream = client.changes()
    daemon.commit("alice", "draft", "bob@x", draft("1"))
    await client.reached({"alice": 1})
    await client.focus(focused=True)
    await daemon.stop()
    daemon.commit("alice", "draft", "bob@x", draft("2"))
    daemon.commit("alice", "draft", "bob@x", None)
    await daemon.start()
    await client.reached({"alice": 3})
    assert client.replica.state == {}
    events = [await anext(stream) for _ in range(3)]
    assert [(e.rev, e.live) for e in events if isinstance(e, Update)] == [(1, True), (2, False), (3, False)]
    attaches = [m["params"]["resume"] for m in daemon.received if m.get("method") == "attach"]
    assert attaches == [{}, {"": ["e1", 0], "alice": ["e1", 1]}]
    await daemon.until(lambda: daemon.count("focus") == 2)  # told again


@pytest.mark.parametrize("fault", ["gap", "repeat"])
async def test_a_gap_or_repeat_is_mended_by_a_resume(
    daemon: FakeDaemon, client: aio.Client, fault: str
) -> None:
    await client.attach("test")
    daemon.commit("alice", "draft", "bob@x", draft("1"))
    await client.reached({"alice": 1})
    journal = daemon.journals["alice"]
    if fault == "gap":
        journal.commit("draft", "carol@x", draft("2"))  # never sent
        daemon.commit("alice", "draft", "bob@x", draft("3"))
    else:
        daemon.tell("changes", {"journal": "alice", "live": True, "changes": journal.changes})
        await daemon.until(lambda: daemon.count("attach") == 2)
        daemon.commit("alice", "draft", "bob@x", draft("2"))
    await client.reached({"alice": journal.seq})
    assert client.replica.state == {"alice": journal.state}
    assert daemon.count("attach") == 2


async def test_twice_wrong_at_one_place_begins_anew(daemon: FakeDaemon, client: aio.Client) -> None:
    await client.attach("test")
    daemon.commit("alice", "draft", "bob@x", draft("1"))
    await client.reached({"alice": 1})
    daemon.journals = {"alice": daemon.journals["alice"]}
    daemon.starts_to_spoil = 3
    client.reconnect()
    await daemon.until(lambda: daemon.count("attach") >= 4)
    resumes = [m["params"]["resume"].get("alice") for m in daemon.received if m.get("method") == "attach"]
    assert resumes == [None, ["e1", 1], ["e1", 1], None]
    await client.reached({"alice": 1})
    assert client.replica.state == {"alice": daemon.journals["alice"].state}


async def test_following_changes_holds_nothing_and_takes_up_where_it_was(
    daemon: FakeDaemon, client: aio.Client
) -> None:
    for text in ("1", "2", "3"):
        daemon.commit("alice", "draft", "bob@x", draft(text))
    stream = client.changes()
    await client.attach("test", want="changes", resume={"alice": Position("e1", 1)})
    await client.reached({"alice": 3})
    daemon.cut()
    daemon.commit("alice", "draft", "bob@x", draft("4"))
    await client.reached({"alice": 4})
    events = await stream.batch()
    assert [e.rev for e in events if isinstance(e, Update)] == [2, 3, 4]
    assert client.replica.state == {}


@pytest.mark.parametrize("seed", range(10))
async def test_random_cuts_converge(daemon: FakeDaemon, seed: int) -> None:
    """Random commits, cuts, holds and restarts; at the end every replica is the daemon's state."""
    dice = random.Random(seed)
    clients = [await connect(daemon) for _ in range(4)]
    for number, client in enumerate(clients):
        await client.attach(f"w{number}")
    held: set[aio.Client] = set()
    for _ in range(150):
        match dice.randrange(10):
            case 0:
                dice.choice(clients).reconnect()
            case 1:
                held.add(client := dice.choice(clients))
                client.hold()
            case 2:
                held.discard(client := dice.choice(clients))
                client.release()
            case 3:
                daemon.cut()
            case 4 if dice.random() < 0.3:
                await daemon.stop()
                await daemon.start()
            case _:
                value = None if dice.random() < 0.3 else draft(str(dice.random()))
                daemon.commit(dice.choice(["", "alice"]), "draft", dice.choice("abc"), value)
        await asyncio.sleep(0)
        if dice.random() < 0.1:  # let some of the reconnects come about
            await daemon.until(lambda: len(daemon.peers) >= len(clients) - len(held))
    goal = {name: journal.seq for name, journal in daemon.journals.items()}
    for client in clients:
        client.release()
        await client.reached(goal)
        expected = {name: journal.state for name, journal in daemon.journals.items() if journal.state}
        assert client.replica.state == expected
        await client.close()


async def test_both_sides_ping(daemon: FakeDaemon) -> None:
    async with await connect(daemon, ping_seconds=0.02):
        await daemon.until(lambda: daemon.count("ping") >= 3)
        daemon.peers[0].send({"id": "p1", "method": "ping"})
        await daemon.until(lambda: {"jsonrpc": "2.0", "id": "p1", "result": {}} in daemon.received)


async def test_a_dead_daemon_is_noticed(daemon: FakeDaemon) -> None:
    async with await connect(daemon, ping_seconds=0.05) as client:
        daemon.answers_pings = False
        views: list[LinkView] = []
        client.on_link(views.append)
        # Cut by the client, it comes back and is cut again.
        await daemon.until(lambda: daemon.count("ping") >= 6)
        assert views[0].state == "lost"


async def test_a_window_that_does_not_read_still_lives(daemon: FakeDaemon) -> None:
    async with await connect(daemon, ping_seconds=0.02) as client:
        await client.attach("slow")
        client.hold()
        daemon.commit("alice", "draft", "bob@x", draft("1"))
        before = daemon.count("ping")
        await daemon.until(lambda: daemon.count("ping") >= before + 5)
        assert len(daemon.peers) == 1 and client.replica.state == {}
        client.release()
        await client.reached({"alice": 1})


async def test_a_full_stream_holds_the_connection_back_but_not_ones_calls(
    daemon: FakeDaemon, client: aio.Client
) -> None:
    await client.attach("slow")
    stream = client.changes(limit=5)
    for number in range(20):
        daemon.commit("alice", "draft", "bob@x", draft(str(number)))
    daemon.methods["daemon.log"] = lambda params: (["well"], {})
    revs = []
    async for event in stream:
        assert isinstance(event, Update)
        revs.append(event.rev)
        assert await client.call(DaemonApi.log) == ["well"]
        if event.rev == 20:
            stream.close()
    assert revs == list(range(1, 21))


async def test_kicked_is_for_good(daemon: FakeDaemon, client: aio.Client) -> None:
    await client.attach("test")
    stream = client.changes()
    daemon.tell("goodbye", {"code": "kicked", "message": "by jp"})
    assert [event async for event in stream] == []
    assert client.link == LinkView("closed", "by jp")
    with pytest.raises(SalutError, match="by jp"):
        await client.call(DaemonApi.info)


async def test_a_strange_protocol_is_refused(daemon: FakeDaemon) -> None:
    daemon.hello = {**HELLO, "protocol": [2, 1]}
    with pytest.raises(SalutError) as caught:
        await connect(daemon)
    assert caught.value.code == "unavailable"


async def test_closing_ends_calls_and_streams(daemon: FakeDaemon) -> None:
    client = await connect(daemon)
    daemon.silent = True
    stream = client.changes()
    async with asyncio.TaskGroup() as group:
        call = group.create_task(refusal(client))
        await daemon.until(lambda: daemon.count("daemon.info") == 1)
        await client.close()
    assert call.result() == "cancelled"
    assert [event async for event in stream] == []
    await client.close()


async def refusal(client: aio.Client) -> str:
    try:
        await client.call(DaemonApi.info)
    except SalutError as error:
        return error.code
    return ""


async def test_a_timeline_is_loaded_and_followed(daemon: FakeDaemon, client: aio.Client) -> None:
    daemon.methods["history.page"] = lambda params: ({"items": [MESSAGE], "before": None, "after": None}, {})
    timeline = Timeline("alice", "bob@x")
    client.replica.subscribe(timeline.apply)
    await client.attach("test")
    assert await client.load(timeline, timeline.newest())
    assert not await client.load(timeline, timeline.older())
    daemon.commit("alice", "message", "18", {**MESSAGE, "id": 18, "place": 6})
    daemon.commit("alice", "message", "17", {**MESSAGE, "state": "sent"})
    await client.reached({"alice": 2})
    assert [(m.id, m.state) for m in timeline.messages] == [(17, "sent"), (18, "received")]


async def test_the_synchronous_face(daemon: FakeDaemon) -> None:
    daemon.methods["daemon.log"] = lambda params: (["well"], {})
    daemon.commit("alice", "draft", "bob@x", draft("1"))

    def script() -> list[Any]:
        with sync.connect(f"unix:{daemon.path}", start=False) as client:
            events = client.changes()
            client.attach("script", profiles=["alice"])
            client.reached({"alice": 1})
            held = client.look(lambda replica: replica.one("alice", Draft, "bob@x"))
            told = [next(events) for _ in range(3)]
            with pytest.raises(SalutError):
                client.call(DaemonApi.info)
            return [client.call(DaemonApi.log), held, told[2].journal, client.link.state]

    assert await asyncio.to_thread(script) == [["well"], Draft(**draft("1")), "alice", "connected"]


async def test_nothing_but_unix_opens_itself() -> None:
    with pytest.raises(SalutError, match="opener"):
        await aio.connect("inprocess:")


class Pipe:
    """An in-process carrier, as the bridge offers one."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def send(self, line: bytes) -> None:
        if b'"daemon.log"' in line:
            number = line.split(b'"id":')[1].split(b",")[0]
            self.inbox.put_nowait(b'{"jsonrpc":"2.0","id":%s,"result":{"value":["well"]}}' % number)

    async def receive(self) -> bytes | None:
        return await self.inbox.get()

    def close(self) -> None:
        self.inbox.put_nowait(None)


async def test_any_carrier_will_do(runtime: Path) -> None:
    async def opener(start: bool) -> Pipe:
        pipe = Pipe()
        hello = '{"method":"hello","params":{"server":"salut","version":"0","protocol":[1,0],"instance":"i",'
        pipe.inbox.put_nowait((hello + '"capabilities":{},"auth":["peer"]}}').encode())
        return pipe

    async with await aio.connect("inprocess:", opener) as client:
        assert await client.call(DaemonApi.log, lines=5) == ["well"]
