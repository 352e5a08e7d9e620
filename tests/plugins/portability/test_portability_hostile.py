# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that are broken or mean harm: a clear error that names file and line, and nothing half stored."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from salut.model import moment
from salut.model.errors import SalutError
from salut.plugins.history.api import Message
from salut.plugins.portability import checked
from tests.cli.conftest import Jp
from tests.plugins.portability.conftest import AT, ME, ROMEO, House

HEADER = json.dumps({"salut_export": {"version": 1, "profiles": [{"name": "juliet", "address": ME}]}})
GOOD = {"id": 1, "conversation": ROMEO, "place": AT, "at": AT, "sender": ROMEO, "body": "good"}


def line(**more: Any) -> str:
    return json.dumps({"of": "juliet", "message": {**GOOD, **more}})


def lines(path: Path, *text: str) -> Path:
    path.write_text("\n".join((HEADER, *text, '{"end":{}}')) + "\n")
    return path


BAD = {
    "not JSON": ("{nonsense", "line 3"),
    "no object": ("[1,2]", "line 3"),
    "deep": ("[" * 100_000, "line 3"),
    "not UTF-8": ("\udcff", "line 3"),
    "wrong type": (line(body=17), "line 3"),
    "wrong kind": (line(kind="broadcast"), "line 3"),
    "no such address": (line(conversation="a@b@c/ "), "line 3"),
    "no such sender": (line(sender=""), "line 3"),
    "a time to come": (line(at=AT * 10), "line 3"),
    "a time below zero": (line(at=-1), "line 3"),
    "a place to come": (line(place=AT * 10, at=AT), "line 3"),
    "a number past 64 bits": (line(at=1 << 80), "line 3"),
    "too large": (line(body="x" * 1_000_000), "line 3"),
    "a line too long": (line(body="x" * 5_000_000), "line 3"),
    "unknown": ('{"of":"juliet","secret":{}}', "line 3"),
    "a stranger's": (json.dumps({"of": "eve", "message": GOOD}), "line 3"),
    "a thing of no kind": (json.dumps({"of": "juliet", "thing": {"kind": 1}}), "line 3"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_named_and_the_rest_can_go_on(house: House, jp: Jp, tmp_path: Path, name: str) -> None:
    house.profile()
    text, where = BAD[name]
    file = tmp_path / "x.jsonl"
    whole = "\n".join(
        (HEADER, line(body="before"), text, line(body="behind", at=AT + 9_000_000), '{"end":{}}')
    )
    file.write_bytes(whole.encode("utf-8", "surrogateescape") + b"\n")
    done = jp("import", str(file))
    assert done.code == 2, (done.out, done.err)
    assert f"{file}, {where}" in done.err
    assert "Traceback" not in done.err
    bodies = [m["body"] for ms in house.everything("juliet").values() for m in ms]
    assert "behind" not in bodies
    done = jp("import", str(file), "--lenient", "--json")
    assert done.code == 0, done.err
    assert done.json["skipped"] == 1 and where in done.json["problems"][0]
    assert [m["body"] for m in house.everything("juliet")[ROMEO]] == ["before", "behind"]


def test_an_import_that_stopped_goes_on(house: House, jp: Jp, tmp_path: Path) -> None:
    """Some batches were stored, one was not: the next run adds what is missing, in its order, and nothing twice."""
    house.profile()
    good = [line(body=f"{n % 3}", at=AT + n * 1_000_000, place=AT + n * 1_000_000) for n in range(3_000)]
    file = lines(tmp_path / "x", *good[:2_500], "{nonsense", *good[2_500:])
    done = jp("import", str(file))
    assert done.code == 2 and "line 2502" in done.err and "2000 messages" in done.err
    lines(file, *good)
    done = jp("import", str(file), "--json")
    assert (done.json["stored"], done.json["known"]) == (1_000, 2_000)
    items: list[dict[str, Any]] = []
    after: dict[str, Any] = {"since": 0}
    while after:
        page = house.call("history.page", profile="juliet", conversation=ROMEO, limit=500, **after)
        items += page["items"]
        after = {"after": page["after"]} if page["after"] else {}
    assert [m["body"] for m in items] == [str(n % 3) for n in range(3_000)]
    assert jp("import", str(file), "--json").json["stored"] == 0


def test_a_file_that_is_cut(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    file = tmp_path / "x.jsonl"
    file.write_text(f"{HEADER}\n{line()}\n" + line(body="cut")[:-20])
    assert jp("import", str(file)).code == 2
    done = jp("import", str(file), "--lenient", "--json")
    assert (done.json["stored"], done.json["skipped"]) == (1, 2)  # the piece of a line, and the end


@pytest.mark.parametrize(
    "head",
    [
        '{"salut_export":{"version":99}}',
        '{"salut_export":{"version":"x"}}',
        '{"salut_export":',
        '{"salut_export"',
    ],
)
def test_a_wrong_header(house: House, jp: Jp, tmp_path: Path, head: str) -> None:
    house.profile()
    file = tmp_path / "x.jsonl"
    file.write_text(head + "\n" + line() + "\n")
    done = jp("import", str(file))
    assert done.code == 2 and "line 1" in done.err
    assert house.everything("juliet") == {}


def test_control_characters_do_not_come_in(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    assert jp("import", str(lines(tmp_path / "x", line(body="a\x00b\x1b[31m\nc\td")))).code == 0
    assert house.everything("juliet")[ROMEO][0]["body"] == "a\ufffdb\ufffd[31m\nc\td"


def test_the_daemon_checks_batches_itself(house: House) -> None:
    house.profile()
    now = moment.now()
    good = dict(GOOD)
    for wrong in ({"conversation": "@"}, {"sender": "@"}, {"at": 0}, {"at": now * 2}, {"place": now * 2},
                  {"place": -1}, {"sub": 1 << 62}, {"body": "x" * 500_001}, {"origin": "x" * 5_001}):  # fmt: skip
        with pytest.raises(SalutError) as caught:
            batch = [good, {**good, **wrong}]
            house.call("portability.import_messages", profile="juliet", batch=batch, mark=0)
        assert (caught.value.code, caught.value.data["index"]) == ("invalid", 1), wrong
        assert house.everything("juliet") == {}  # nothing of the batch
    with pytest.raises(SalutError) as caught:
        house.call("portability.import_messages", profile="juliet", batch=[good] * 1001, mark=0)
    assert caught.value.code == "too-large"
    with pytest.raises(SalutError) as caught:
        house.call("portability.import_things", profile="juliet", kind="nothing", batch=[])
    assert caught.value.code == "not-found"
    thing = {"kind": "draft", "key": "x", "value": {"conversation": ROMEO, "text": 3, "at": 1}}
    with pytest.raises(SalutError) as caught:
        house.call("portability.import_things", profile="juliet", kind="draft", batch=[thing])
    assert (caught.value.code, caught.value.data["index"]) == ("invalid", 0)


def test_a_wrong_thing_is_named_and_the_rest_can_go_on(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    drafts = [{"conversation": f"c{n}@example.org", "text": "x", "at": n} for n in range(1, 8)]
    drafts[2]["conversation"] = "@"
    drafts[5]["text"] = "x" * 70_000
    things = [
        {"of": "juliet", "thing": {"kind": "draft", "key": str(n), "value": d}} for n, d in enumerate(drafts)
    ]
    things.insert(0, {"of": "juliet", "thing": {"kind": "horoscope", "key": "1", "value": {}}})
    file = lines(tmp_path / "x", *map(json.dumps, things))
    done = jp("import", str(file))
    assert done.code == 2 and f"{file}, line 5" in done.err
    done = jp("import", str(file), "--lenient", "--json")
    assert done.code == 0 and done.json["skipped"] == 3, done.err
    kept = {draft["conversation"] for draft in house.call("drafts.list", profile="juliet")}
    assert kept == {f"c{n}@example.org" for n in (1, 2, 4, 5, 7)}


def test_a_mark_to_come_is_refused(house: House) -> None:
    house.profile()
    with pytest.raises(SalutError):
        batch = [{"address": ROMEO, "read_place": moment.now() * 2}]
        house.call("portability.import_conversations", profile="juliet", batch=batch)


def test_imported_messages_do_not_move_where_live_ones_stand() -> None:
    """A time a little ahead must not push later live messages away: imports have a stream of their own."""
    message = Message(id=5, conversation=ROMEO, place=0, at=AT, sender=ROMEO, body="x", state="pending")
    (new,) = checked.new_messages([message], AT)
    assert (new.stream, new.place, new.counts, new.state) == ("import", AT, False, "failed")


MAILS = {
    "no mbox": b"From: x\n\nhello\n",
    "no chat": b"From x@y Mon Jan  1 00:00:00 2024\nFrom: x@y\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nhello\n\n",
    "damaged": b"From x@y Mon Jan  1 00:00:00 2024\nX-XMPP-Account: juliet@capulet.example\n"
    b"X-Salut-Message: !!!\n\nhello\n\n",
    "no date": b"From x@y Mon Jan  1 00:00:00 2024\nX-XMPP-Account: juliet@capulet.example\nDate: never\n"
    b"X-XMPP-Conversation: romeo@montague.example\nFrom: romeo@montague.example\n\nhello\n\n",
    "no text": b"From x@y Mon Jan  1 00:00:00 2024\nX-XMPP-Account: juliet@capulet.example\n"
    b"Content-Type: multipart/mixed; boundary=\"a\"\n\n--a\nContent-Type: image/png\n\nx\n--b\n\n",
    "header garbage": b"From x@y Mon Jan  1 00:00:00 2024\n\xff\xfe=?utf-8?b?!!!?=\n=?x?=: \n\nhello\n\n",
    "too long": b"From x@y Mon Jan  1 00:00:00 2024\nSubject: x\n\n" + b"x\n" * 5_000_000,
}  # fmt: skip


@pytest.mark.parametrize("name", MAILS)
def test_broken_mails(house: House, jp: Jp, tmp_path: Path, name: str) -> None:
    house.profile()
    file = tmp_path / "x.mbox"
    file.write_bytes(MAILS[name])
    done = jp("import", str(file), "--format", "mbox", "-p", "juliet", "--lenient", "--json")
    assert "Traceback" not in done.err
    if done.code == 0:
        assert done.json["stored"] == 0 and done.json["skipped"] == 1
        assert f"{file}, line 1" in done.json["problems"][0]
    else:
        assert name == "no mbox"
    assert house.everything("juliet") == {}


def test_tricks_in_a_maildir(house: House, jp: Jp, tmp_path: Path) -> None:
    """Links, pipes and folders among the mails are named and not followed."""
    house.profile()
    secret = tmp_path / "secret"
    secret.write_text(
        f"X-XMPP-Conversation: {ROMEO}\nFrom: {ROMEO}\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nsecret\n"
    )
    for name in ("cur", "new", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    cur = tmp_path / "box" / "cur"
    (cur / "1.link:2,S").symlink_to(secret)
    os.mkfifo(cur / "2.pipe:2,S")
    (cur / "3.folder:2,S").mkdir()
    (cur / "..4.hidden").write_text(secret.read_text())
    (tmp_path / "box" / "tmp" / "5.half").write_text(secret.read_text())
    (cur / "6.good:2,S").write_text(secret.read_text().replace("secret", "good"))
    done = jp("import", str(tmp_path / "box"), "-p", "juliet", "--lenient", "--json")
    assert done.code == 0, done.err
    assert (done.json["stored"], done.json["skipped"]) == (1, 3)
    assert [m["body"] for m in house.everything("juliet")[ROMEO]] == ["good"]


def test_a_folder_that_is_a_link(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "box" / "new").mkdir(parents=True)
    (tmp_path / "box" / "cur").symlink_to(tmp_path / "elsewhere")
    done = jp("import", str(tmp_path / "box"), "-p", "juliet")
    assert done.code == 2 or "no folder" in done.err


SCHEMAS = {
    "a column is missing": "CREATE TABLE jids(jid_id INTEGER, jid TEXT); CREATE TABLE logs(log_line_id INTEGER)",
    "a view in a table's place": "CREATE TABLE jids(jid_id, jid, type); CREATE VIEW logs AS SELECT 1",
    "Dino without bodies": "CREATE TABLE account(id, bare_jid); CREATE TABLE jid(id, bare_jid); "
    "CREATE TABLE message(id)",
    "Profanity without times": "CREATE TABLE ChatLogs(id INTEGER, from_jid TEXT, to_jid TEXT)",
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
def test_wrong_databases(house: House, jp: Jp, tmp_path: Path, name: str) -> None:
    house.profile()
    file = tmp_path / "x.db"
    connection = sqlite3.connect(file)
    connection.executescript(SCHEMAS[name])
    connection.close()
    done = jp("import", str(file), "-p", "juliet")
    assert done.code == 2, done.err
    assert str(file) in done.err and "missing" in done.err


@pytest.mark.parametrize("kind", ["gajim", "dino", "profanity"])
def test_no_database_at_all(house: House, jp: Jp, tmp_path: Path, kind: str) -> None:
    house.profile()
    file = tmp_path / "x.db"
    file.write_bytes(b"SQLite format 3\x00" + os.urandom(5000))
    done = jp("import", str(file), "--format", kind, "-p", "juliet")
    assert done.code == 2 and str(file) in done.err


def test_wrong_types_in_rows(house: House, jp: Jp, tmp_path: Path) -> None:
    """SQLite keeps anything in any column."""
    house.profile()
    file = tmp_path / "x.db"
    connection = sqlite3.connect(file)
    connection.executescript("CREATE TABLE jids(jid_id, jid, type); CREATE TABLE logs(log_line_id, jid_id, "
                             "contact_name, time, kind, show, message, subject);")  # fmt: skip
    connection.executemany("INSERT INTO jids VALUES (?,?,0)", [(1, ROMEO), (2, b"\xff\xfe"), (3, "")])
    connection.executemany(
        "INSERT INTO logs VALUES (?,?,NULL,?,?,0,?,NULL)",
        [(1, 1, "soon", 4, "a"), (2, 1, 1e300, 4, "a"), (3, 1, float("inf"), 4, "a"), (4, 2, 5, 4, "a"),
         (5, 3, 5, 4, "a"), (6, 1, 5, 2.5, "a"), (7, 1, 5, 4, "good"), (8, 1, -5, 4, "a"), (9, 1, 5, 4, b"\xff")],
    )  # fmt: skip
    connection.commit()
    connection.close()
    done = jp("import", str(file), "-p", "juliet", "--lenient", "--json")
    assert done.code == 0, done.err
    assert done.json["skipped"] == 7
    assert sorted(m["body"] for m in house.everything("juliet")[ROMEO]) == ["", "good"]


def test_nothing_known(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    (tmp_path / "x.bin").write_bytes(os.urandom(300))
    assert jp("import", str(tmp_path / "x.bin")).code == 2
    assert jp("import", str(tmp_path / "nowhere")).code == 3
    assert jp("import", str(tmp_path)).code == 2
