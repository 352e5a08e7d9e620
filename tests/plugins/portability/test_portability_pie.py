# SPDX-License-Identifier: AGPL-3.0-or-later
"""XEP-0227, by its own examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from salut.frontends.cli.portable.found import Bad, Entry
from salut.frontends.cli.portable.pie import Pie
from salut.plugins.history.api import Message
from salut.plugins.portability.api import Thing
from salut.plugins.roster.api import Contact
from salut.plugins.roster.ledger import Ledger
from tests.cli.conftest import Jp
from tests.plugins.portability.conftest import House

ROSTER = """<query xmlns='jabber:iq:roster'>
  <item jid='romeo@montague.net' name='Romeo' subscription='both'><group>Friends</group></item>
</query>"""
DOCUMENT = f"""<?xml version='1.0' encoding='UTF-8'?>
<server-data xmlns='urn:xmpp:pie:0'>
  <host jid='capulet.com'>
    <user name='juliet'>
      {ROSTER}
      <vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard>
      <archive xmlns='urn:xmpp:pie:0#mam'>
        <result xmlns='urn:xmpp:mam:2' id='28482-98726-73623'>
          <forwarded xmlns='urn:xmpp:forward:0'>
            <delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>
            <message xmlns='jabber:client' to='juliet@capulet.com/balcony' from='romeo@montague.lit/orchard'
                type='chat'>
              <body>Call me but love</body>
            </message>
          </forwarded>
        </result>
        <result xmlns='urn:xmpp:mam:2' id='5d398-28273-f7382'>
          <forwarded xmlns='urn:xmpp:forward:0'>
            <delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:09:32Z'/>
            <message xmlns='jabber:client' to='romeo@montague.lit/orchard' from='juliet@capulet.com/balcony'
                type='chat' id='8a54s'>
              <body>What man art thou</body>
            </message>
          </forwarded>
        </result>
      </archive>
    </user>
  </host>
  <host jid='montague.net'><user name='romeo'/></host>
</server-data>"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_examples(tmp_path: Path) -> None:
    source = Pie(write(tmp_path, "x.xml", DOCUMENT))
    assert [account.name for account in source.accounts()] == ["juliet@capulet.com", "romeo@montague.net"]
    found = list(source.entries())
    assert all(isinstance(entry, Entry) and entry.account == "juliet@capulet.com" for entry in found)
    contact, first, second = [entry.value for entry in found if isinstance(entry, Entry)]
    assert isinstance(contact, Thing)
    assert contact.value == {
        "address": "romeo@montague.net", "name": "Romeo", "groups": ["Friends"], "subscription": "both",
    }  # fmt: skip
    assert isinstance(first, Message) and isinstance(second, Message)
    assert (first.conversation, first.outgoing, first.archive) == (
        "romeo@montague.lit",
        False,
        "28482-98726-73623",
    )
    assert (second.conversation, second.outgoing, second.origin) == ("romeo@montague.lit", True, "8a54s")
    assert second.at - first.at == 67_000_000
    assert source.left == {"vCard"}


def test_split_in_files(tmp_path: Path) -> None:
    """Section "File and Directory Layout"."""
    include = "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='{}'/>"
    main = f"<server-data xmlns='urn:xmpp:pie:0'>{include.format('capulet.com.xml')}</server-data>"
    host = f"<host xmlns='urn:xmpp:pie:0' jid='capulet.com'>{include.format('capulet.com/juliet.xml')}</host>"
    write(tmp_path, "capulet.com.xml", host)
    write(tmp_path, "capulet.com/juliet.xml", f"<user xmlns='urn:xmpp:pie:0' name='juliet'>{ROSTER}</user>")
    source = Pie(write(tmp_path, "main.xml", main))
    assert [account.name for account in source.accounts()] == ["juliet@capulet.com"]
    (entry,) = source.entries()
    assert isinstance(entry, Entry)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><server-data xmlns='urn:xmpp:pie:0'>&a;</server-data>", "document type"),
        (" " * 65_530 + "<!DOCTYPE x><server-data xmlns='urn:xmpp:pie:0'/>", "document type"),
        ("<server-data xmlns='urn:xmpp:pie:0'><host>", "no whole XML"),
        ("<server-data xmlns='urn:xmpp:pie:0'>" + "<a>" * 200, "deeply"),
        ("<server-data xmlns='urn:xmpp:pie:0'><a>" + "x" * (9 << 20), "too large"),
        ("<server-data xmlns='urn:xmpp:pie:0'><include xmlns='http://www.w3.org/2001/XInclude' href='{}'/>"
         "</server-data>".format("../secret.xml"), "not in its folder"),
        ("<server-data xmlns='urn:xmpp:pie:0'><include xmlns='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>"
         "</server-data>", "not in its folder"),
        ("<server-data xmlns='urn:xmpp:pie:0'><include xmlns='http://www.w3.org/2001/XInclude' "
         "href='http://x.example/y'/></server-data>", "not supported"),
    ],
)  # fmt: skip
def test_hostile_documents(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path, "secret.xml", DOCUMENT)
    found = list(Pie(write(tmp_path, "in/x.xml", text)).entries())
    assert [words in bad.words for bad in found if isinstance(bad, Bad)] == [True]
    assert not [entry for entry in found if isinstance(entry, Entry)]


def test_files_that_include_each_other(tmp_path: Path) -> None:
    loop = (
        "<server-data xmlns='urn:xmpp:pie:0'><include xmlns='http://www.w3.org/2001/XInclude' href='{}'/>"
        "</server-data>"
    )
    write(tmp_path, "b.xml", loop.format("a.xml"))
    found = list(Pie(write(tmp_path, "a.xml", loop.format("b.xml"))).entries())
    assert len(found) == 1 and isinstance(found[0], Bad)


def contacts(house: House) -> None:
    """As the server's roster would have come."""

    def work(tx: Any) -> None:
        ledger = Ledger(lambda _tx, _address: None)
        both = Contact(
            address="romeo@montague.net", name="Ro & <meo>", groups=["A'b", "F"], subscription="both"
        )
        ledger.put(tx, both)
        ledger.put(tx, Contact(address="eve@evil.example", asks=True, in_roster=False, note="<hi>"))

    house.wait(house.kit.engine.journal.commit("juliet", work))


def test_export(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    contacts(house)
    target = tmp_path / "x.xml"
    assert jp("export", "--format", "xep227", "-o", str(target)).code == 0
    tree = fromstring(target.read_text())
    user = tree.find("{urn:xmpp:pie:0}host/{urn:xmpp:pie:0}user")
    assert user is not None and user.attrib == {"name": "juliet"}  # no password
    (item,) = user.findall("{jabber:iq:roster}query/{jabber:iq:roster}item")
    assert item.attrib == {"jid": "romeo@montague.net", "name": "Ro & <meo>", "subscription": "both"}
    assert [group.text for group in item] == ["A'b", "F"]
    asking = user.find("{jabber:client}presence")
    assert asking is not None and asking.attrib == {"type": "subscribe", "from": "eve@evil.example"}


def test_a_password_only_on_request(house: House, jp: Jp, tmp_path: Path) -> None:
    house.profile()
    (tmp_path / "pw").write_text("se'cret\n")
    words = (
        "export",
        "--format",
        "xep227",
        "--password-file",
        str(tmp_path / "pw"),
        "-o",
        str(tmp_path / "x"),
    )
    assert jp(*words).code == 2
    assert not (tmp_path / "x").exists()
    assert jp(*words, "--with-password").code == 0
    user = fromstring((tmp_path / "x").read_text()).find("{urn:xmpp:pie:0}host/{urn:xmpp:pie:0}user")
    assert user is not None and user.get("password") == "se'cret"
    assert jp("export", "--with-password", "-o", str(tmp_path / "y")).code == 2  # other formats never
