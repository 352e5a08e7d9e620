# SPDX-License-Identifier: AGPL-3.0-or-later
"""Capabilities: the examples of XEP-0115, and lies about them."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from salut.xmpp.disco import CapsCache, Disco, Identity, Info, read_info
from salut.xmpp.errors import StanzaError
from salut.xmpp.iqs import IqTable, Request

SIMPLE = """<query xmlns='http://jabber.org/protocol/disco#info'>
<identity category='client' name='Exodus 0.9.1' type='pc'/>
<feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>
<feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/></query>"""
COMPLEX = """<query xmlns='http://jabber.org/protocol/disco#info'>
<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
<identity xml:lang='el' category='client' name='\u03a8 0.11' type='pc'/>
<feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>
<feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>
<x xmlns='jabber:x:data' type='result'>
<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
<field var='ip_version'><value>ipv4</value><value>ipv6</value></field><field var='os'><value>Mac</value></field>
<field var='os_version'><value>10.5.1</value></field><field var='software'><value>Psi</value></field>
<field var='software_version'><value>0.11</value></field></x></query>"""


@pytest.mark.parametrize(
    ("answer", "ver"), [(SIMPLE, "QgayPKawpkPSDYmwT/WM94uAlu0="), (COMPLEX, "q07IKJEyjvHSyhy//CH0CxmKi8w=")]
)
def test_the_examples_of_xep_0115(answer: str, ver: str) -> None:
    info = read_info(fromstring(answer))
    assert info.ver() == ver
    cache = CapsCache()
    assert cache.put(ver, info)
    assert cache.get(ver) == info


def test_what_does_not_hash_to_its_name_is_not_kept() -> None:
    cache = CapsCache()
    assert not cache.put("QgayPKawpkPSDYmwT/WM94uAlu0=", Info(features=frozenset({"evil"})))
    assert cache.get("QgayPKawpkPSDYmwT/WM94uAlu0=") is None


def test_the_cache_is_bounded() -> None:
    cache = CapsCache(most=3)
    infos = [Info(features=frozenset({str(n)})) for n in range(5)]
    for info in infos:
        assert cache.put(info.ver(), info)
    assert [cache.get(info.ver()) is not None for info in infos] == [False, False, True, True, True]


def ask(disco: Disco, node: str = "", name: str = "info") -> str:
    table = IqTable()
    disco.register(table)
    tag = f"{{http://jabber.org/protocol/disco#{name}}}query"
    handler = table.find("get", tag)
    assert handler is not None
    payload = fromstring(f"<query xmlns='http://jabber.org/protocol/disco#{name}' node='{node}'/>")
    answer = handler(Request("get", "a@b/c", "", "1", payload))
    assert isinstance(answer, str)
    return answer


def test_we_say_what_our_caps_promise() -> None:
    disco = Disco("https://example.org/caps", "Client & Co")
    disco.add_feature("urn:x")
    disco.add_identity(Identity("automation", "rpc"))
    announced = fromstring(disco.caps())
    ver = announced.get("ver", "")
    for node in ("", f"https://example.org/caps#{ver}"):
        info = read_info(fromstring(ask(disco, node)))
        assert "urn:x" in info.features
        assert info.ver() == ver
    disco.remove_feature("urn:x")
    assert fromstring(disco.caps()).get("ver") != ver
    with pytest.raises(StanzaError):
        ask(disco, f"https://example.org/caps#{ver}")
    assert len(fromstring(ask(disco, name="items"))) == 0


def test_an_answer_without_sense_is_empty() -> None:
    assert read_info(None) == Info()
    assert read_info(fromstring("<x><feature/><identity/></x>")) == Info()
