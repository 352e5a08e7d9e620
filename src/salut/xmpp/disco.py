# SPDX-License-Identifier: AGPL-3.0-or-later
"""What we can do, said to others (XEP-0030, XEP-0115), and what others say they can do."""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from salut.xmpp.errors import StanzaError
from salut.xmpp.iqs import IqTable, Request
from salut.xmpp.xmltext import attributes, escape

INFO: Final = "http://jabber.org/protocol/disco#info"
ITEMS: Final = "http://jabber.org/protocol/disco#items"
CAPS: Final = "http://jabber.org/protocol/caps"
PING: Final = "urn:xmpp:ping"
DATA: Final = "jabber:x:data"
MOST_FEATURES = 2000


class Identity(msgspec.Struct, frozen=True, order=True):
    """A disco identity, e.g. client/pc."""

    category: str
    type: str
    lang: str = ""
    name: str = ""


class Info(msgspec.Struct, frozen=True):
    """An entity's disco#info answer. ``forms``: FORM_TYPE -> field -> values (XEP-0128)."""

    identities: tuple[Identity, ...] = ()
    features: frozenset[str] = frozenset()
    forms: dict[str, dict[str, tuple[str, ...]]] = {}

    def ver(self) -> str:
        """The verification string (XEP-0115 section 5.1), SHA-1 as all clients have it."""
        parts = [f"{i.category}/{i.type}/{i.lang}/{i.name}" for i in sorted(self.identities)]
        parts += sorted(self.features)
        for form_type in sorted(self.forms):
            parts.append(form_type)
            for field, values in sorted(self.forms[form_type].items()):
                parts += [field, *sorted(values)]
        text = "".join(part + "<" for part in parts)
        return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()


class Disco:
    """The registry of our own identity and features; answers for it. One serves all sessions."""

    def __init__(self, node: str, name: str = "") -> None:
        self._node = node
        self._identities = {Identity("client", "pc", "", name)}
        self._features = {INFO, ITEMS, CAPS, PING}
        self._ver = ""

    def add_identity(self, identity: Identity) -> None:
        """Also be this."""
        self._identities.add(identity)
        self._ver = ""

    def add_feature(self, *features: str) -> None:
        """Announce features. Sessions that are online announce them with their next presence."""
        self._features.update(features)
        self._ver = ""

    def remove_feature(self, *features: str) -> None:
        """Announce them no longer."""
        self._features.difference_update(features)
        self._ver = ""

    @property
    def info(self) -> Info:
        """What we say of ourselves."""
        return Info(tuple(sorted(self._identities)), frozenset(self._features))

    @property
    def ver(self) -> str:
        """The verification string of the present features."""
        self._ver = self._ver or self.info.ver()
        return self._ver

    def caps(self) -> str:
        """The ``<c/>`` for presence."""
        return f"<c xmlns='{CAPS}' hash='sha-1'{attributes(node=self._node, ver=self.ver)}/>"

    def register(self, table: IqTable) -> None:
        """Answer disco and ping requests that come through ``table``."""
        table.add("get", f"{{{INFO}}}query", self._answer_info)
        table.add("get", f"{{{ITEMS}}}query", self._answer_items)
        table.add("get", f"{{{PING}}}ping", lambda _: None)

    def _answer_info(self, request: Request) -> str:
        node = request.payload.get("node", "")
        if node not in ("", f"{self._node}#{self.ver}"):
            raise StanzaError("item-not-found", "no such node")
        inner = "".join(
            f"<identity{attributes(category=i.category, type=i.type, name=i.name)}/>"
            for i in self.info.identities
        )
        inner += "".join(f"<feature var='{escape(feature)}'/>" for feature in sorted(self._features))
        return f"<query xmlns='{INFO}'{attributes(node=node)}>{inner}</query>"

    def _answer_items(self, request: Request) -> str:
        if request.payload.get("node"):
            raise StanzaError("item-not-found", "no such node")
        return f"<query xmlns='{ITEMS}'/>"


def info_request(node: str = "") -> str:
    """The payload that asks for disco#info."""
    return f"<query xmlns='{INFO}'{attributes(node=node)}/>"


def read_info(query: Element | None) -> Info:
    """A disco#info answer. What is not in it is empty; what is too much of it is left out."""
    if query is None:
        return Info()
    identities, features = [], set()
    forms: dict[str, dict[str, tuple[str, ...]]] = {}
    for child in list(query)[:MOST_FEATURES]:
        if child.tag == f"{{{INFO}}}feature":
            features.add(child.get("var", ""))
        elif child.tag == f"{{{INFO}}}identity":
            lang = child.get("{http://www.w3.org/XML/1998/namespace}lang", "")
            identities.append(
                Identity(child.get("category", ""), child.get("type", ""), lang, child.get("name", ""))
            )
        elif child.tag == f"{{{DATA}}}x":
            form_type, fields = _read_form(child)
            if form_type:
                forms.setdefault(form_type, fields)
    return Info(tuple(identities), frozenset(features - {""}), forms)


def _read_form(form: Element) -> tuple[str, dict[str, tuple[str, ...]]]:
    fields = {}
    for field in form.findall(f"{{{DATA}}}field"):
        fields[field.get("var", "")] = tuple(v.text or "" for v in field.findall(f"{{{DATA}}}value"))
    kind = fields.pop("FORM_TYPE", ("",))
    return (kind[0] if kind else ""), fields


class CapsCache:
    """What a verification string stands for; only what was verified is kept, the least used goes first."""

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._known: OrderedDict[str, Info] = OrderedDict()

    def get(self, ver: str) -> Info | None:
        """The capabilities behind ``ver``, if known."""
        info = self._known.get(ver)
        if info is not None:
            self._known.move_to_end(ver)
        return info

    def put(self, ver: str, info: Info) -> bool:
        """Keep ``info`` if it really hashes to ``ver`` (XEP-0115 section 5.4); False if it does not."""
        if info.ver() != ver:
            return False
        self._known[ver] = info
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return True
