# SPDX-License-Identifier: AGPL-3.0-or-later
"""The examples of XEP-0092, 0202 and 0157, and answers that are none."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from salut.model import moment
from salut.model.errors import SalutError
from salut.plugins.server.api import Clock, Software
from salut.plugins.server.bounds import ALL, EACH, MOST_ASKERS, Bounds
from salut.plugins.server.protocol import MOST_CONTACTS, read_info, read_software, read_time
from salut.xmpp.disco import read_info as read_disco


def iq(inner: str) -> Element:
    return fromstring(f"<iq xmlns='jabber:client' type='result'>{inner}</iq>")


def test_a_version() -> None:
    said = "<name>Exodus</name><version>0.7.0.4</version><os>Windows-XP 5.01.2600</os>"
    answer = f"<query xmlns='jabber:iq:version'>{said}</query>"
    assert read_software(iq(answer)) == Software(name="Exodus", version="0.7.0.4", os="Windows-XP 5.01.2600")


@pytest.mark.parametrize(
    "answer", ["", "<query xmlns='jabber:iq:version'/>", "<query xmlns='other'><name>x</name></query>"]
)
def test_no_version(answer: str) -> None:
    with pytest.raises(SalutError):
        read_software(iq(answer))


def test_a_long_version_is_cut() -> None:
    answer = f"<query xmlns='jabber:iq:version'><name>{'x' * 10_000}</name></query>"
    assert len(read_software(iq(answer)).name) == 200


def test_a_time() -> None:
    answer = "<time xmlns='urn:xmpp:time'><tzo>-06:00</tzo><utc>2006-12-19T17:58:35Z</utc></time>"
    assert read_time(iq(answer)) == Clock(utc=moment.parse("2006-12-19T17:58:35Z"), ahead=-360)


@pytest.mark.parametrize(
    ("zone", "utc"),
    [("+01:00", "now"), ("+01:00", ""), ("01:00", "2006-12-19T17:58:35Z"), ("+99:00", "2006-12-19T17:58:35Z"),
     ("+0100", "2006-12-19T17:58:35Z"), ("+01:00", "9" * 100), ("", "2006-12-19T17:58:35Z"),
     ("+--:00", "2006-12-19T17:58:35Z")],
)  # fmt: skip
def test_no_time(zone: str, utc: str) -> None:
    with pytest.raises(SalutError):
        read_time(iq(f"<time xmlns='urn:xmpp:time'><tzo>{zone}</tzo><utc>{utc}</utc></time>"))


def test_contact_addresses() -> None:
    values = "<value>mailto:abuse@shakespeare.lit</value><value>xmpp:abuse@shakespeare.lit</value>"
    many = "<value>mailto:x@y</value>" * 100
    info = read_disco(fromstring(
        f"""<query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='Globe'/>
        <feature var='urn:xmpp:ping'/><x xmlns='jabber:x:data' type='result'>
        <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value></field>
        <field var='abuse-addresses'>{values}</field><field var='security-addresses'>{many}</field>
        <field var='made-up'><value>x</value></field></x></query>"""
    ))  # fmt: skip
    said = read_info("shakespeare.lit", info, None, None)
    assert said.name == "Globe"
    assert said.contacts["abuse"] == ["mailto:abuse@shakespeare.lit", "xmpp:abuse@shakespeare.lit"]
    assert len(said.contacts["security"]) == MOST_CONTACTS
    assert set(said.contacts) == {"abuse", "security"}


def test_bounds_hold_and_come_back() -> None:
    bounds = Bounds(0.0)
    assert [bounds.allow("eve@x", 0.0) for _ in range(EACH + 5)] == [True] * EACH + [False] * 5
    assert bounds.allow("bob@x", 0.0)
    assert not bounds.allow("eve@x", 1.0)
    assert bounds.allow("eve@x", 61.0)


def test_many_askers_are_bounded_together_and_in_memory() -> None:
    bounds = Bounds(0.0)
    answered = sum(bounds.allow(f"bot{n}@x", 0.0) for n in range(10 * MOST_ASKERS))
    assert answered == ALL
    assert len(bounds) == MOST_ASKERS
