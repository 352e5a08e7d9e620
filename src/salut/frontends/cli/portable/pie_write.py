# SPDX-License-Identifier: AGPL-3.0-or-later
"""XEP-0227, written: accounts, rosters, and who asks for a subscription. Passwords only where the person gave one."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from salut.frontends.cli.link import Link
from salut.frontends.cli.portable import pages
from salut.frontends.cli.portable.report import Counts
from salut.frontends.cli.shapes import flag, inner, text, texts

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

HEAD = "<?xml version='1.0' encoding='UTF-8'?>\n<server-data xmlns='urn:xmpp:pie:0'>\n"


def write(link: Link, stream: BinaryIO, profiles: list[Object], password: str | None) -> Counts:
    """Export accounts with their contacts."""
    counts = Counts()
    hosts: dict[str, list[Object]] = {}
    for profile in profiles:
        hosts.setdefault(text(profile, "address").rpartition("@")[2], []).append(profile)
    stream.write(HEAD.encode())
    has_contacts = "contact" in pages.kinds(link)
    for host, users in hosts.items():
        stream.write(f"  <host jid={quoteattr(host)}>\n".encode())
        for user in users:
            name = text(user, "address").rpartition("@")[0]
            secret = f" password={quoteattr(password)}" if password is not None else ""
            stream.write(f"    <user name={quoteattr(name)}{secret}>\n".encode())
            if has_contacts:
                _contacts(link, stream, text(user, "name"), counts)
            stream.write(b"    </user>\n")
        stream.write(b"  </host>\n")
    stream.write(b"</server-data>\n")
    return counts


def _contacts(link: Link, stream: BinaryIO, profile: str, counts: Counts) -> None:
    asking = []
    stream.write(b"      <query xmlns='jabber:iq:roster'>\n")
    for thing in pages.things(link, profile, "contact"):
        contact = inner(thing, "value")
        if flag(contact, "asks"):
            asking.append(contact)
        if flag(contact, "in_roster", True):
            stream.write(_item(contact).encode())
            counts.things += 1
    stream.write(b"      </query>\n")
    for contact in asking:
        stream.write(_request(contact).encode())
        counts.things += 1


def _item(contact: Object) -> str:
    """RFC 6121 section 2.1.2."""
    attributes = f"jid={quoteattr(text(contact, 'address'))}"
    if text(contact, "name"):
        attributes += f" name={quoteattr(text(contact, 'name'))}"
    attributes += f" subscription={quoteattr(text(contact, 'subscription', 'none'))}"
    if flag(contact, "pending"):
        attributes += " ask='subscribe'"
    if flag(contact, "approved"):
        attributes += " approved='true'"
    groups = "".join(f"<group>{escape(group)}</group>" for group in texts(contact, "groups"))
    return f"        <item {attributes}>{groups}</item>\n"


def _request(contact: Object) -> str:
    """Section "Incoming Subscription Requests"."""
    note = text(contact, "note")
    status = f"<status>{escape(note)}</status>" if note else ""
    address = quoteattr(text(contact, "address"))
    return f"      <presence xmlns='jabber:client' type='subscribe' from={address}>{status}</presence>\n"
