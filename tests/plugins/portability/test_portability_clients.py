# SPDX-License-Identifier: AGPL-3.0-or-later
"""Other clients' history: small databases and logs in the schemas and forms that these programs write."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from salut.frontends.cli.portable import detect
from salut.frontends.cli.portable.found import Bad, Entry, Found
from salut.plugins.history.api import Message
from tests.cli.conftest import Jp
from tests.plugins.portability.conftest import ME, ROMEO, ROOM, House, new

DAY = 1_700_000_000  # 2023-11-14T22:13:20Z
SECOND = 1_000_000

# Facts of Gajim's schema, user_version 0 (0.16) and 7 (1.4 to 1.8)
GAJIM_JIDS = (
    "CREATE TABLE jids(jid_id INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, jid TEXT UNIQUE, type INTEGER);"
)
GAJIM_016 = f"""{GAJIM_JIDS}
CREATE TABLE unread_messages(message_id INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, jid_id INTEGER,
    shown BOOLEAN default 0);
CREATE TABLE logs(log_line_id INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, jid_id INTEGER, contact_name TEXT,
    time INTEGER, kind INTEGER, show INTEGER, message TEXT, subject TEXT);
CREATE INDEX idx_logs_jid_id_time ON logs (jid_id, time DESC);"""
GAJIM_7 = f"""{GAJIM_JIDS}
CREATE TABLE logs(log_line_id INTEGER PRIMARY KEY AUTOINCREMENT UNIQUE, account_id INTEGER, jid_id INTEGER,
    contact_name TEXT, occupant_id TEXT, real_jid TEXT, time INTEGER, kind INTEGER, show INTEGER, message TEXT,
    error TEXT, subject TEXT, additional_data TEXT, stanza_id TEXT, message_id TEXT, encryption TEXT,
    encryption_state TEXT, marker INTEGER);
CREATE TABLE last_archive_message(jid_id INTEGER PRIMARY KEY UNIQUE, last_mam_id TEXT, oldest_mam_timestamp TEXT,
    last_muc_timestamp TEXT);
PRAGMA user_version=7;"""
# and of 2.x: table message, user_version 8 and later
GAJIM_2 = """
CREATE TABLE account (pk INTEGER NOT NULL PRIMARY KEY, jid TEXT NOT NULL);
CREATE TABLE remote (pk INTEGER NOT NULL PRIMARY KEY, jid TEXT NOT NULL);
CREATE TABLE thread (pk INTEGER NOT NULL PRIMARY KEY, fk_account_pk INTEGER NOT NULL, fk_remote_pk INTEGER NOT NULL,
    id TEXT NOT NULL);
CREATE TABLE moderation (pk INTEGER NOT NULL PRIMARY KEY, fk_account_pk INTEGER NOT NULL,
    fk_remote_pk INTEGER NOT NULL, fk_occupant_pk INTEGER, stanza_id TEXT NOT NULL, by TEXT, reason TEXT,
    timestamp FLOAT NOT NULL);
CREATE TABLE message (pk INTEGER NOT NULL PRIMARY KEY, fk_account_pk INTEGER NOT NULL, fk_remote_pk INTEGER NOT NULL,
    resource TEXT, type INTEGER NOT NULL, direction INTEGER NOT NULL, timestamp FLOAT NOT NULL,
    state INTEGER NOT NULL, id TEXT, stanza_id TEXT, stable_id INTEGER, text TEXT, user_delay_ts FLOAT,
    fk_thread_pk INTEGER, fk_occupant_pk INTEGER, fk_encryption_pk INTEGER, fk_security_label_pk INTEGER,
    correction_id TEXT);
PRAGMA user_version=13;"""
DINO = """
CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT, bare_jid TEXT UNIQUE NOT NULL, resourcepart TEXT,
    password TEXT, alias TEXT, enabled INTEGER, roster_version TEXT, mam_earliest_synced INTEGER);
CREATE TABLE jid (id INTEGER PRIMARY KEY AUTOINCREMENT, bare_jid TEXT UNIQUE NOT NULL);
CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, stanza_id TEXT, server_id TEXT, account_id INTEGER
    NOT NULL, counterpart_id INTEGER NOT NULL, counterpart_resource TEXT, our_resource TEXT, direction INTEGER
    NOT NULL, type INTEGER, time INTEGER, local_time INTEGER, body TEXT, encryption INTEGER, marked INTEGER,
    retracted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE message_correction (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id INTEGER UNIQUE, to_stanza_id TEXT);
"""
PROFANITY = """
CREATE TABLE IF NOT EXISTS `ChatLogs` (`id` INTEGER PRIMARY KEY AUTOINCREMENT, `from_jid` TEXT NOT NULL,
    `to_jid` TEXT NOT NULL, `from_resource` TEXT, `to_resource` TEXT, `message` TEXT, `timestamp` TEXT, `type` TEXT,
    `stanza_id` TEXT, `archive_id` TEXT{unique}, `encryption` TEXT, `marked_read` INTEGER, `replace_id` TEXT{two});
CREATE TABLE IF NOT EXISTS `DbVersion` (`dv_id` INTEGER PRIMARY KEY, `version` INTEGER UNIQUE);
INSERT OR IGNORE INTO `DbVersion` (`version`) VALUES ('{version}');"""
PROFANITY_1 = PROFANITY.format(unique="", two="", version=1)
PROFANITY_2 = PROFANITY.format(
    unique=" UNIQUE", two=", `replaces_db_id` INTEGER, `replaced_by_db_id` INTEGER", version=2
)


def base(path: Path, schema: str, rows: dict[str, list[tuple[object, ...]]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(schema)
    for into, values in rows.items():
        marks = ",".join("?" * len(values[0]))
        connection.executemany(f"INSERT INTO {into} VALUES ({marks})", values)
    connection.commit()
    connection.close()
    return path


def read(path: Path, me: list[str] | None = None) -> tuple[list[str], list[Found]]:
    source = detect.source(path, "auto", me or [])
    return [account.name for account in source.accounts()], list(source.entries())


def said(found: list[Found]) -> list[tuple[str, str, bool, str, str]]:
    return [
        (m.conversation, m.sender, m.outgoing, m.kind, m.body)
        for m in (entry.value for entry in found if isinstance(entry, Entry))
        if isinstance(m, Message)
    ]


def test_gajim_016_says_no_account(tmp_path: Path) -> None:
    rows: dict[str, list[tuple[object, ...]]] = {
        "jids (jid, type)": [(ROMEO, 0), (ROOM, 1), (f"{ROOM}/Nurse", 0)],
        "logs (jid_id, contact_name, time, kind, show, message, subject)": [
            (1, None, DAY, 4, None, "hello", None),
            (1, None, DAY + 1, 6, None, "hi", None),
            (1, None, DAY + 2, 0, 1, "I am away", None),  # a status
            (2, "Nurse", DAY + 3, 2, None, "to all", None),
            (2, "Jules", DAY + 4, 2, None, "from me", None),
            (3, None, DAY + 5, 4, None, "psst", None),
            (1, None, DAY + 6, 3, None, "a note", "Subject"),
        ],
    }
    accounts, found = read(base(tmp_path / "logs.db", GAJIM_016, rows), ["Jules"])
    assert accounts == [""]
    assert said(found) == [
        (ROMEO, ROMEO, False, "chat", "hello"),
        (ROMEO, ROMEO, True, "chat", "hi"),
        (ROOM, f"{ROOM}/Nurse", False, "groupchat", "to all"),
        (ROOM, f"{ROOM}/Jules", True, "groupchat", "from me"),
        (f"{ROOM}/Nurse", f"{ROOM}/Nurse", False, "private", "psst"),
        (ROMEO, ROMEO, False, "normal", "a note"),
    ]


def test_gajim_1(tmp_path: Path) -> None:
    rows: dict[str, list[tuple[object, ...]]] = {
        "jids (jid, type)": [(ME, 0), (ROMEO, 0)],
        "logs (account_id, jid_id, time, kind, message, stanza_id, message_id, error)": [
            (1, 2, DAY + 0.25, 4, "hello", "a1", "m1", None),
            (1, 2, DAY + 1, 6, "hi", "a2", "m2", None),
            (1, 2, DAY + 2, 6, "lost", None, "m3", "gone"),
        ],
    }
    accounts, found = read(base(tmp_path / "logs.db", GAJIM_7, rows))
    assert accounts == [ME]
    first, second, third = [entry.value for entry in found if isinstance(entry, Entry)]
    assert isinstance(first, Message) and isinstance(second, Message) and isinstance(third, Message)
    assert (first.at, first.archive, first.origin) == (DAY * SECOND + 250_000, "a1", "m1")
    assert (second.sender, second.outgoing, second.state) == (ME, True, "sent")
    assert (third.state, third.error) == ("failed", "gone")


def test_gajim_2(tmp_path: Path) -> None:
    rows: dict[str, list[tuple[object, ...]]] = {
        "account": [(1, ME)],
        "remote": [(1, ROMEO), (2, ROOM), (3, f"{ROOM}/Nurse")],
        "thread": [(1, 1, 1, "t1")],
        "moderation (fk_account_pk, fk_remote_pk, stanza_id, timestamp)": [(1, 2, "s9", DAY)],
        "message (fk_account_pk, fk_remote_pk, resource, type, direction, timestamp, state, id, stanza_id, text,"
        " fk_thread_pk, correction_id)": [
            (1, 1, "orchard", 1, 1, DAY + 0.5, 2, "m1", "s1", "hello", 1, None),
            (1, 1, "gajim.X", 1, 2, DAY + 1, 2, "m2", "s2", "hi", None, None),
            (1, 1, "gajim.X", 1, 2, DAY + 2, 2, "m3", "s3", "hi, once more", None, "m2"),
            (1, 1, "gajim.X", 1, 2, DAY + 3, 2, "m4", "s4", "hi at last", None, "m2"),
            (1, 2, "Nurse", 2, 1, DAY + 4, 2, "m5", "s5", "to all", None, None),
            (1, 2, "Jules", 2, 2, DAY + 5, 2, "m6", "s6", "from me", None, None),
            (1, 2, "Eve", 2, 1, DAY + 6, 2, "m7", "s7", "forged", None, "m5"),  # another nick corrects nothing
            (1, 2, "Spam", 2, 1, DAY + 7, 2, "m8", "s9", "taken away by a moderator", None, None),
            (1, 3, None, 3, 1, DAY + 8, 2, "m9", None, "psst", None, None),
            (1, 1, None, 1, 1, DAY + 9, 2, "m10", None, "orphan", None, "unknown"),
        ],
    }  # fmt: skip
    accounts, found = read(base(tmp_path / "archive.db", GAJIM_2, rows))
    assert accounts == [ME]
    assert said(found) == [
        (ROMEO, f"{ROMEO}/orchard", False, "chat", "hello"),
        (ROMEO, f"{ME}/gajim.X", True, "chat", "hi at last"),
        (ROOM, f"{ROOM}/Nurse", False, "groupchat", "to all"),
        (ROOM, f"{ROOM}/Jules", True, "groupchat", "from me"),
        (f"{ROOM}/Nurse", f"{ROOM}/Nurse", False, "private", "psst"),
        (ROMEO, ROMEO, False, "chat", "orphan"),
    ]
    first = found[0]
    assert isinstance(first, Entry) and isinstance(first.value, Message)
    assert (first.value.thread, first.value.origin, first.value.archive) == ("t1", "m1", "s1")


def test_dino(tmp_path: Path) -> None:
    rows: dict[str, list[tuple[object, ...]]] = {
        "account (bare_jid)": [(ME,)],
        "jid (bare_jid)": [(ROMEO,), (ROOM,)],
        "message (stanza_id, server_id, account_id, counterpart_id, counterpart_resource, our_resource, direction,"
        " type, time, local_time, body, encryption, marked, retracted)": [
            ("m1", "s1", 1, 1, "orchard", "dino.1", 0, 1, DAY, DAY, "hello", 0, 0, 0),
            ("m2", "s2", 1, 1, None, "dino.1", 1, 1, DAY + 1, DAY, "hi", 0, 2, 0),
            ("m3", "s3", 1, 1, None, "dino.1", 1, 1, DAY + 2, DAY, "hi at last", 0, 3, 0),
            ("m4", "s4", 1, 2, "Nurse", None, 0, 2, DAY + 3, DAY, "to all", 0, 0, 0),
            ("m5", "s5", 1, 2, None, "Jules", 1, 2, DAY + 4, DAY, "from me", 0, 3, 0),
            ("m6", "s6", 1, 2, "Nurse", None, 0, 3, DAY + 5, DAY, "psst", 0, 0, 0),
            ("m7", "s7", 1, 1, "orchard", None, 0, 1, DAY + 6, DAY, "taken back", 0, 0, 1),
            ("m8", "s8", 1, 1, "orchard", None, 0, 0, DAY + 7, DAY, "an error", 0, 0, 0),
            ("m9", "s9", 1, 1, "orchard", None, 0, 1, DAY + 8, DAY, None, 0, 0, 0),
            ("m10", "s10", 1, 1, None, None, 1, 1, DAY + 9, DAY, "unsent", 0, 4, 0),
        ],
        "message_correction (message_id, to_stanza_id)": [(3, "m2")],
    }  # fmt: skip
    accounts, found = read(base(tmp_path / "dino.db", DINO, rows))
    assert accounts == [ME]
    assert said(found) == [
        (ROMEO, f"{ROMEO}/orchard", False, "chat", "hello"),
        (ROMEO, f"{ME}/dino.1", True, "chat", "hi at last"),
        (ROOM, f"{ROOM}/Nurse", False, "groupchat", "to all"),
        (ROOM, f"{ROOM}/Jules", True, "groupchat", "from me"),
        (f"{ROOM}/Nurse", f"{ROOM}/Nurse", False, "private", "psst"),
        (ROMEO, ME, True, "chat", "unsent"),
    ]
    states = [e.value.state for e in found if isinstance(e, Entry) and isinstance(e.value, Message)]
    assert states == ["received", "read", "received", "sent", "received", "failed"]


@pytest.mark.parametrize("schema", [PROFANITY_1, PROFANITY_2])
def test_profanity_database(tmp_path: Path, schema: str) -> None:
    two = schema is PROFANITY_2
    columns = "from_jid, from_resource, to_jid, to_resource, message, timestamp, type, stanza_id, archive_id"
    columns += ", replace_id"
    links = {3: (2, None), 2: (None, 3)}
    rows = [
        (ROMEO, "orchard", ME, "prof", "hello", "2023-11-14T22:13:20+00:00", "chat", "m1", "s1", None),
        (ME, "prof", ROMEO, None, "hi", "2023-11-14T23:13:21+01", "chat", "m2", None, None),
        (ME, "prof", ROMEO, None, "hi at last", "2023-11-14T22:13:22+00:00", "chat", "m3", None, "m2"),
        (ROOM, "Nurse", ME, None, "to all", "2023/11/14 22:13:23", "muc", "m4", "s4", None),
        (ROOM, "Nurse", ME, None, "psst", "2023-11-14T22:13:24Z", "mucpm", "m5", "s5", None),
        (ROMEO, None, ME, None, "bad", "yesterday", "chat", "m6", None, None),
    ]
    wide = [(*row, *links.get(n, (None, None))) for n, row in enumerate(rows, 1)] if two else rows
    columns += ", replaces_db_id, replaced_by_db_id" if two else ""
    path = tmp_path / "juliet_at_capulet.example" / "chatlog.db"
    values: dict[str, list[tuple[object, ...]]] = {f"ChatLogs ({columns})": [*wide]}
    accounts, found = read(base(path, schema, values))
    assert accounts == [ME]
    assert said(found) == [
        (ROMEO, f"{ROMEO}/orchard", False, "chat", "hello"),
        (ROMEO, f"{ME}/prof", True, "chat", "hi at last"),
        (ROOM, f"{ROOM}/Nurse", False, "groupchat", "to all"),
        (f"{ROOM}/Nurse", f"{ROOM}/Nurse", False, "private", "psst"),
    ]
    times = [
        e.value.at // SECOND - DAY for e in found if isinstance(e, Entry) and isinstance(e.value, Message)
    ]
    assert times == [0, 1, 3, 4]
    (bad,) = [entry for entry in found if isinstance(entry, Bad)]
    assert "row 6" in str(bad.where) and "yesterday" in bad.words
    moved = path.rename(tmp_path / "chatlog.db")
    assert read(moved)[0] == [ME]  # the one address in all rows


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_profanity_logs(tmp_path: Path) -> None:
    logs = tmp_path / "chatlogs"
    own = logs / "juliet_at_capulet.example"
    write(
        own / "romeo_at_montague.example" / "2023_11_14.log",
        "2023-11-14T23:13:20+01 - romeo@montague.example: hello\n"
        "2023-11-14T22:13:21.5Z - me: two\nlines: really\n\n"
        "2023-11-14T22:13:22Z - *me waves\n",
    )
    write(own / "romeo_at_montague.example" / "2011_01_02.log", "09:10:11 - me: old\n")
    write(
        own / "rooms" / "orchard_at_rooms.example" / "2023_11_14.log",
        "2023-11-14T22:13:23Z - Nurse: to all\n",
    )
    write(own / "orchard_at_rooms.example_Nurse" / "2023_11_14.log", "2023-11-14T22:13:24Z - Nurse: psst\n")
    accounts, found = read(logs)
    assert accounts == [ME]
    assert said(found) == [
        (f"{ROOM}/Nurse", f"{ROOM}/Nurse", False, "private", "psst"),
        (ROMEO, ME, True, "chat", "old"),
        (ROMEO, ROMEO, False, "chat", "hello"),
        (ROMEO, ME, True, "chat", "two\nlines: really"),
        (ROMEO, ME, True, "chat", "/me waves"),
        (ROOM, f"{ROOM}/Nurse", False, "groupchat", "to all"),
    ]
    times = [e.value.at for e in found if isinstance(e, Entry) and isinstance(e.value, Message)]
    assert times[2:5] == [DAY * SECOND, DAY * SECOND + 1_500_000, (DAY + 2) * SECOND]


PIDGIN_HTML = """<html><head><meta http-equiv="content-type" content="text/html; charset=UTF-8"><title>Conversation \
with romeo@montague.example at Tue 14 Nov 2023 11:58:20 PM CET on juliet@capulet.example/Home (jabber)</title></head>\
<body><h3>Conversation with romeo@montague.example at Tue 14 Nov 2023 11:58:20 PM CET on \
juliet@capulet.example/Home (jabber)</h3>
<font color="#A82F2F"><font size="2">(23:58:20)</font> <b>Romeo M.:</b></font> <html xmlns='http://jabber.org/\
protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>a &lt; b &amp; <b>c</b><br/>second</body></html><br/>
<font size="2">(23:58:30)</font><b> Romeo has signed off: bye.</b><br/>
<font color="#16569E"><font size="2">(23:59:00)</font> <b>Jules:</b></font> hi<br/>
<font color="#16569E"><font size="2">(12:03:05 AM)</font> <b>Jules &lt;AUTO-REPLY&gt;:</b></font> away<br/>
<font color="#062585"><font size="2">(00:04:00)</font> <b>***Jules</b></font> waves<br/>
<font color="#A82F2F"><font size="2">(11/13/2023 08:00:00 AM)</font> <b>Romeo M.:</b></font> sent while you were \
away<br/>
<font color="#FF0000"><font size="2">(00:05:00)</font><b> Unable to send message: x</b></font><br/>
</body></html>
"""
PIDGIN_TEXT = """Conversation with romeo@montague.example at 2023-11-14 10:00:00 on juliet@capulet.example/Home (jabber)
(10:00:01) Romeo: hello
there
(10:00:02) juliet: hi: you
(10:00:03) Romeo has signed off.
(10:00:04) ***Romeo waves
(10:00:05) Jules: alias
"""


def test_pidgin(tmp_path: Path) -> None:
    logs = tmp_path / "logs" / "jabber" / ME
    write(logs / ROMEO / "2023-11-14.235820+0100CET.html", PIDGIN_HTML)
    write(logs / ROMEO / "2023-11-14.100000+0000UTC.txt", PIDGIN_TEXT)
    write(
        logs / f"{ROOM}.chat" / "2023-11-14.100000+0000UTC.txt",
        f"Conversation with {ROOM} at x on {ME} (jabber)\n(10:00:01) Nurse: to all\n",
    )
    write(logs / ".system" / "2023-11-14.100000+0000UTC.txt", "System log for account x\n")
    accounts, found = read(tmp_path / "logs", ["Jules"])
    assert accounts == [ME]
    assert said(found) == [
        (ROOM, f"{ROOM}/Nurse", False, "groupchat", "to all"),
        (ROMEO, ROMEO, False, "chat", "hello\nthere"),
        (ROMEO, ME, True, "chat", "hi: you"),
        (ROMEO, ROMEO, False, "chat", "/me waves"),
        (ROMEO, ME, True, "chat", "alias"),
        (ROMEO, ROMEO, False, "chat", "a < b & c\nsecond"),
        (ROMEO, ME, True, "chat", "hi"),
        (ROMEO, ME, True, "chat", "away"),
        (ROMEO, ME, True, "chat", "/me waves"),
        (ROMEO, ROMEO, False, "chat", "sent while you were away"),
    ]
    times = [e.value.at // SECOND for e in found if isinstance(e, Entry) and isinstance(e.value, Message)]
    begin = 1_700_002_700  # 23:58:20 +0100
    assert times[5:] == [begin, begin + 40, begin + 285, begin + 340, begin - 143_900]


def test_from_a_client_into_history(house: House, jp: Jp, tmp_path: Path) -> None:
    """By the account's address, or for files that do not name one, by --profile."""
    house.profile()
    house.profile("nurse", "nurse@capulet.example")
    rows: dict[str, list[tuple[object, ...]]] = {
        "jids (jid, type)": [(ROMEO, 0)],
        "logs (jid_id, time, kind, message)": [
            (1, DAY, 4, "hello"),
            (1, DAY + 1, 6, "hi"),
            (1, DAY + 1, 6, "hi"),
        ],
    }
    old = base(tmp_path / "old.db", GAJIM_016, rows)
    assert jp("import", str(old)).code == 3
    done = jp("import", str(old), "-p", "juliet", "--json")
    assert done.code == 0, done.err
    assert done.json["stored"] == 3  # the same words twice in a second are two messages
    assert [m["sender"] for m in house.everything("juliet")[ROMEO]] == [ROMEO, ME, ME]
    logs = tmp_path / "logs" / "jabber" / ME / ROMEO / "2023-11-14.221300+0000UTC.txt"
    write(logs, "(22:13:20) Romeo: hello\n(22:13:21) juliet: hi\n(22:13:25) juliet: new here\n")
    done = jp("import", str(tmp_path / "logs"), "--json")
    assert done.code == 0, done.err
    assert (done.json["stored"], done.json["known"]) == (1, 2)
    assert [m["body"] for m in house.everything("juliet")[ROMEO]] == ["hello", "hi", "hi", "new here"]
    assert jp("import", str(old), "-p", "juliet", "--json").json["stored"] == 0


def test_messages_that_came_live_are_known_without_ids(house: House, jp: Jp, tmp_path: Path) -> None:
    """Another client's clock may be a little off; the same words minutes later are another message."""
    house.profile()
    house.store(
        "juliet",
        [
            new("ok", at=(DAY + 3) * SECOND, origin="o1", archive="a1"),
            new("mine", at=(DAY + 4) * SECOND, sender=f"{ME}/x", outgoing=True, state="sent", origin="o3"),
            new("ok", at=(DAY + 300) * SECOND, origin="o2", archive="a2"),
        ],
    )
    log = tmp_path / "logs" / "jabber" / ME / ROMEO / "2023-11-14.221300+0000UTC.txt"
    write(log, "(22:13:20) Romeo: ok\n(22:13:22) juliet: mine\n(22:15:00) Romeo: ok\n(22:18:21) Romeo: ok\n")
    done = jp("import", str(tmp_path / "logs"), "--json")
    assert (done.json["stored"], done.json["known"]) == (1, 3)
    bodies = [m["body"] for m in house.everything("juliet")[ROMEO]]
    assert bodies == ["ok", "mine", "ok", "ok"]
