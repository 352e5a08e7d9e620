# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bookmarks between XML and structs, with the examples of XEP-0402, XEP-0048, XEP-0469 and XEP-0492."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from salut.plugins.bookmarks import protocol
from salut.plugins.bookmarks.marks import Mark
from salut.plugins.pep.api import Item
from salut.xmpp import chatsettings
from salut.xmpp.chatsettings import ChatSettings
from salut.xmpp.xmltext import serialise

ORCHARD = """<conference xmlns='urn:xmpp:bookmarks:1' name='The Orcard' autojoin='1'>
  <nick>JC</nick>
  <extensions>
    <state xmlns='http://myclient.example/bookmark/state' minimized='true'/>
  </extensions>
</conference>"""
PINNED = """<conference xmlns='urn:xmpp:bookmarks:1' name='The Play&apos;s the Thing' autojoin='true'>
  <nick>JC</nick>
  <extensions><pinned xmlns='urn:xmpp:bookmarks-pinning:0'/></extensions>
</conference>"""
STORAGE = """<storage xmlns='storage:bookmarks'>
  <url name='Complete Works of Shakespeare' url='http://the-tech.mit.edu/Shakespeare/'/>
  <conference name='Council of Oberon' autojoin='true' jid='council@conference.underhill.org'>
    <nick>Puck</nick><password>titania</password>
  </conference>
</storage>"""
NOTIFY = """<extensions xmlns='urn:xmpp:bookmarks:1'><notify xmlns='urn:xmpp:notification-settings:1'>
  <never identity-category="client" identity-type="pc"><advanced><my xmlns="custom:ns-1">night</my></advanced></never>
  <on-mention identity-category="client" identity-type="phone" />
  <on-mention identity-category="gateway" />
  <always><advanced><better xmlns="custom:ns-3"/></advanced></always>
</notify></extensions>"""
ROOM = "orchard@conference.shakespeare.lit"


def read(xml: str, key: str = ROOM) -> Mark | None:
    return protocol.read_item(Item(key, fromstring(xml)))


def test_an_item() -> None:
    mark = read(ORCHARD)
    assert mark is not None
    assert (mark.address, mark.name, mark.nick, mark.autojoin) == (ROOM, "The Orcard", "JC", True)
    minimal = read("<conference xmlns='urn:xmpp:bookmarks:1'/>")
    assert minimal is not None and (minimal.name, minimal.nick, minimal.autojoin) == ("", "", False)


@pytest.mark.parametrize(
    ("written", "meant"), [("1", True), ("true", True), ("0", False), ("false", False), ("yes", False)]
)
def test_both_ways_to_write_a_boolean(written: str, meant: bool) -> None:
    mark = read(f"<conference xmlns='urn:xmpp:bookmarks:1' autojoin='{written}'/>")
    assert mark is not None and mark.autojoin is meant


def test_what_others_keep_in_an_item_stays() -> None:
    mark = read(ORCHARD.replace("</extensions>", "</extensions><odd xmlns='urn:example'><deep/></odd>"))
    assert mark is not None
    changed = Mark(
        address=ROOM, name="The Orchard", nick="Juliet", autojoin=False, pinned=True, element=mark.element
    )
    written = protocol.conference(changed)
    assert written.attrib == {"name": "The Orchard", "autojoin": "false"}
    assert written.findtext("{urn:xmpp:bookmarks:1}nick") == "Juliet"
    extensions = written.find("{urn:xmpp:bookmarks:1}extensions")
    assert extensions is not None
    state = extensions.find("{http://myclient.example/bookmark/state}state")
    assert state is not None and state.get("minimized") == "true"
    assert extensions.find("{urn:xmpp:bookmarks-pinning:0}pinned") is not None
    assert written.find("{urn:example}odd/{urn:example}deep") is not None
    again = read(serialise(written))
    assert again is not None and again.shown == changed.shown and again.pinned


def test_a_password_is_not_kept_where_the_element_is() -> None:
    mark = read("<conference xmlns='urn:xmpp:bookmarks:1'><password>cauldronburn</password></conference>")
    assert mark is not None and mark.password == "cauldronburn" and "cauldronburn" not in mark.element
    assert protocol.conference(mark).findtext("{urn:xmpp:bookmarks:1}password") == "cauldronburn"


def test_pinned() -> None:
    mark = read(PINNED)
    assert mark is not None and mark.pinned
    unpinned = protocol.conference(Mark(address=ROOM, element=mark.element))
    assert "pinned" not in serialise(unpinned)


@pytest.mark.parametrize(
    ("key", "xml"),
    [
        ("", ORCHARD),
        ("shakespeare.lit", ORCHARD),
        ("orchard@conference.shakespeare.lit/JC", ORCHARD),
        ("two words@example.org", ORCHARD),
        (ROOM, "<conference xmlns='storage:bookmarks'/>"),
        (ROOM, "<other xmlns='urn:xmpp:bookmarks:1'/>"),
        (ROOM, f"<conference xmlns='urn:xmpp:bookmarks:1'><x xmlns='y'>{'a' * 70_000}</x></conference>"),
    ],
)
def test_hostile_items_are_none(key: str, xml: str) -> None:
    assert read(xml, key) is None
    assert protocol.read_item(Item(key)) is None


def test_long_texts_are_cut() -> None:
    mark = read(
        f"<conference xmlns='urn:xmpp:bookmarks:1' name='{'n' * 5000}'><nick>{'k' * 5000}</nick></conference>"
    )
    assert mark is not None and len(mark.name) == len(mark.nick) == protocol.MAX_TEXT


# The one list of XEP-0048
def test_the_one_list() -> None:
    marks = protocol.read_storage(fromstring(STORAGE))
    assert list(marks) == ["council@conference.underhill.org"]
    mark = marks["council@conference.underhill.org"]
    assert (mark.name, mark.nick, mark.autojoin, mark.password) == (
        "Council of Oberon",
        "Puck",
        True,
        "titania",
    )
    assert protocol.read_storage(None) == {}
    assert (
        protocol.read_storage(
            fromstring("<storage xmlns='storage:bookmarks'><conference jid='x'/></storage>")
        )
        == {}
    )


def test_the_one_list_is_changed_and_no_more() -> None:
    new = Mark(address=ROOM, nick="JC", autojoin=True, password="never written")
    old = Mark(address="council@conference.underhill.org", name="Council", nick="Robin", autojoin=False)
    written = protocol.write_storage(fromstring(STORAGE), {ROOM: new, old.address: old})
    assert written is not None
    assert [child.tag.rpartition("}")[2] for child in written] == ["url", "conference", "conference"]
    council, orchard = written.findall("{storage:bookmarks}conference")
    assert council.attrib == {"name": "Council", "autojoin": "false", "jid": old.address}
    assert council.findtext("{storage:bookmarks}nick") == "Robin"
    assert council.findtext("{storage:bookmarks}password") == "titania"
    assert orchard.attrib == {"jid": ROOM, "autojoin": "true"}
    assert "never written" not in serialise(written)
    again = fromstring(serialise(written))
    assert protocol.write_storage(again, {ROOM: new, old.address: old}) is None  # nothing to write
    gone = protocol.write_storage(again, {ROOM: None, old.address: None})
    assert gone is not None and [child.tag for child in gone] == ["{storage:bookmarks}url"]


# XEP-0492
def notify(xml: str) -> Element:
    return fromstring(xml)


def test_the_setting_most_specific_to_us_counts() -> None:
    assert chatsettings.read(notify(NOTIFY)).level == "never"
    assert chatsettings.read(notify(NOTIFY.replace(' identity-type="pc"', ""))).level == "never"
    assert (
        chatsettings.read(
            notify(NOTIFY.replace('identity-category="client" identity-type="pc"', 'identity-category="x"'))
        ).level
        == "always"
    )
    basic = "<extensions><notify xmlns='urn:xmpp:notification-settings:1'><never /></notify></extensions>"
    assert chatsettings.read(notify(basic)).level == "never"
    assert chatsettings.read(notify(basic.replace("never", "sometimes"))).level == "default"
    assert chatsettings.read(None) == ChatSettings()


def test_advanced_settings_of_others_are_not_lost() -> None:
    extensions = notify(NOTIFY)
    for level in ("always", "mention", "default", "never"):
        chatsettings.write(extensions, ChatSettings(level=level))  # type: ignore[arg-type]  # each is one
        text = serialise(extensions)
        assert "custom:ns-1" in text and "custom:ns-3" in text and "phone" in text and "gateway" in text
    assert chatsettings.read(extensions).level == "never"


def test_a_fallback_is_added_for_other_applications() -> None:
    extensions = notify(
        "<extensions xmlns='urn:xmpp:bookmarks:1'><notify xmlns='urn:xmpp:notification-settings:1'>"
        "<never identity-category='client'/></notify></extensions>"
    )
    chatsettings.write(extensions, ChatSettings(level="mention"))
    (found,) = extensions
    assert [(child.tag.rpartition("}")[2], child.attrib) for child in found] == [
        ("on-mention", {"identity-category": "client"}),
        ("on-mention", {}),
    ]


def test_back_to_what_is_usual_leaves_nothing_of_ours() -> None:
    extensions = Element("{urn:xmpp:bookmarks:1}extensions")
    chatsettings.write(
        extensions, ChatSettings(pinned=True, level="never", muted_until=1_700_000_000_000_000)
    )
    assert chatsettings.read(extensions) == ChatSettings(True, "never", 1_700_000_000_000_000)
    chatsettings.write(extensions, ChatSettings())
    assert len(extensions) == 0


@pytest.mark.parametrize("until", ["", "tomorrow", "9999999-01-01T00:00:00Z", "1900-01-01T00:00:00Z"])
def test_a_bad_date_mutes_nothing(until: str) -> None:
    extensions = fromstring(f"<extensions><muted xmlns='salut:conversation:0' until='{until}'/></extensions>")
    assert chatsettings.read(extensions).muted_until == 0
