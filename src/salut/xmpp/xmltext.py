# SPDX-License-Identifier: AGPL-3.0-or-later
"""Elements <-> text, for stanzas that are written by hand."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element

_XML_NS: Final = "{http://www.w3.org/XML/1998/namespace}"
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot carry at all: it would end the stream."""
_ANY: Final = re.compile(f"[&<>\"'\r{_FORBIDDEN.pattern[1:]}")
"""Whatever does not stand for itself."""


def escape(text: str) -> str:
    """``text`` as it may stand in an element or attribute; what XML cannot carry becomes U+FFFD."""
    if _ANY.search(text) is None:
        return text
    text = _FORBIDDEN.sub("\ufffd", text)
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&apos;")
        .replace("\r", "&#13;")
    )


def attributes(**values: str) -> str:
    """`` name='value'`` for each value that is not empty; a trailing underscore of a name is dropped."""
    return "".join(f" {name.rstrip('_')}='{escape(value)}'" for name, value in values.items() if value)


def serialise(element: Element, default: str = "jabber:client") -> str:
    """The element as text inside a stream whose default namespace is ``default``.

    Children without a namespace of their own take their parent's, as people mean it when they write them.
    """
    parts: list[str] = []
    _write(element, default, parts.append)
    return "".join(parts)


def _write(element: Element, inherited: str, out: object) -> None:
    assert callable(out)
    namespace, _, name = (
        element.tag[1:].partition("}") if element.tag[:1] == "{" else (inherited, "", element.tag)
    )
    out(f"<{name}")
    if namespace != inherited:
        out(f" xmlns='{escape(namespace)}'")
    prefixes = 0
    for key, value in element.attrib.items():
        if key.startswith(_XML_NS):
            key = "xml:" + key[len(_XML_NS) :]
        elif key[:1] == "{":
            space, _, local = key[1:].partition("}")
            key = f"n{prefixes}:{local}"
            out(f" xmlns:n{prefixes}='{escape(space)}'")
            prefixes += 1
        out(f" {key}='{escape(value)}'")
    if not len(element) and not element.text:
        out("/>")
        return
    out(">")
    if element.text:
        out(escape(element.text))
    for child in element:
        _write(child, namespace, out)
        if child.tail:
            out(escape(child.tail))
    out(f"</{name}>")
