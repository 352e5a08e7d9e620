# SPDX-License-Identifier: AGPL-3.0-or-later
"""Archive queries and their results (XEP-0313 version 1.1.3, XEP-0059).

Results are believed only for a query that is open now, from the archive that it was sent to (section 8.2).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, cast
from xml.etree.ElementTree import Element

import msgspec
import structlog

from salut.engine.plugin import Link
from salut.model import moment
from salut.plugins.archive.api import ArchivePreferences
from salut.plugins.archive.query import ArchiveError, Ask, Result, Results, Support
from salut.plugins.history.api import NewMessage
from salut.xmpp.decode import MESSAGE, Inbound
from salut.xmpp.errors import StanzaError
from salut.xmpp.messages import DELAY, MAX_ID, delay
from salut.xmpp.router import Account, Via, Wires
from salut.xmpp.xmltext import escape

MAM: Final = "urn:xmpp:mam:2"
EXTENDED: Final = f"{MAM}#extended"
RSM: Final = "http://jabber.org/protocol/rsm"
FORWARDED: Final = "{urn:xmpp:forward:0}forwarded"
POLICIES: Final = ("always", "never", "roster")
MOST_LISTED: Final = 5_000
TIMEOUT: Final = 60.0  # seconds that a server may take for a page
EXCESS: Final = 4
"""A server that sends so many times the page that was asked for is not believed."""


def query_xml(ask: Ask, queryid: str) -> str:
    """The payload of the request."""
    values = {
        "with": ask.partner,
        "start": moment.iso(ask.start) if ask.start else "",
        "end": moment.iso(ask.end) if ask.end else "",
        "after-id": ask.after,
    }
    fields = "".join(
        f"<field var='{name}'><value>{escape(value)}</value></field>"
        for name, value in values.items()
        if value
    )
    return (
        f"<query xmlns='{MAM}' queryid='{queryid}'><x xmlns='jabber:x:data' type='submit'>"
        f"<field var='FORM_TYPE' type='hidden'><value>{MAM}</value></field>{fields}</x>"
        f"<set xmlns='{RSM}'><max>{ask.limit}</max><before>{escape(ask.before)}</before></set></query>"
    )


RoomReader = Callable[[str, object, int], NewMessage | None]


class Archived(msgspec.Struct, frozen=True):
    """A ``<result/>`` as it came."""

    query: str
    id: str
    at: int  # 0: the server does not say
    message: Element | None


def read_result(element: Element) -> Archived | None:
    """Decode a ``<result/>``; ``None`` without an id."""
    key = element.get("id", "")
    forwarded = element.find(FORWARDED)
    if not key or len(key) > MAX_ID:
        return None
    stamp = forwarded.find(f"{{{DELAY}}}delay") if forwarded is not None else None
    when = delay(stamp) if stamp is not None else None
    message = forwarded.find(MESSAGE) if forwarded is not None else None
    return Archived(element.get("queryid", ""), key, max(when[1], 0) if when else 0, message)


class _Open(msgspec.Struct):
    """A query that waits for its end."""

    profile: str
    source: str
    most: int
    items: list[Archived] = []
    dropped: int = 0


def preferences_xml(wanted: ArchivePreferences | None) -> str:
    """The payload that asks for preferences, or sets them (XEP-0441)."""
    if wanted is None:
        return f"<prefs xmlns='{MAM}'/>"
    lists = "".join(
        f"<{name}>{''.join(f'<jid>{escape(address)}</jid>' for address in listed)}</{name}>"
        for name, listed in (("always", wanted.always), ("never", wanted.never))
    )
    return f"<prefs xmlns='{MAM}' default='{wanted.default}'>{lists}</prefs>"


def read_preferences(prefs: Element) -> ArchivePreferences:
    """What the server says of its preferences. ``ArchiveError`` for a policy that we do not know."""
    default = prefs.get("default", "")
    if default not in POLICIES:
        raise ArchiveError("undefined-condition", f"unknown policy {default[:50]}")
    listed = [
        [
            (jid.text or "").strip()[:3071]
            for jid in prefs.findall(f"{{{MAM}}}{name}/{{{MAM}}}jid")[:MOST_LISTED]
        ]
        for name in ("always", "never")
    ]
    return ArchivePreferences(default=default, always=listed[0], never=listed[1])  # type: ignore[arg-type]


class ArchiveProtocol:
    """Asks archives and collects their answers."""

    def __init__(self, wires: Wires, log: structlog.stdlib.BoundLogger) -> None:
        self._wires = wires
        self._log = log
        self._queries: dict[str, _Open] = {}
        self.room_message: RoomReader = lambda _profile, _inbound, _at: None
        wires.shared.decoders.add(f"{{{MAM}}}result", "archived", read_result)
        wires.router.wrap("archived", self._result)

    def support(self, link: Link) -> Support:
        """What the account's archive can do."""
        features = cast("Account", link.session).session.features.account.features
        return Support(bool(features), MAM in features, EXTENDED in features)

    async def room_support(self, link: Link, room: str) -> Support:
        """What a room's archive can do."""
        try:
            info = await cast("Account", link.session).session.disco_info(room)
        except StanzaError:
            return Support(False, False, False)
        return Support(True, MAM in info.features, EXTENDED in info.features)

    async def page(self, link: Link, ask: Ask) -> Results:
        """One page. What else it says (receipts, markers) has taken effect when it is returned.

        Raises ``ArchiveError``.
        """
        account = cast("Account", link.session)
        queryid = secrets.token_hex(8)
        query = _Open(account.profile, ask.archive or account.bare, ask.limit * EXCESS)
        self._queries[queryid] = query
        try:
            answer = await account.session.iq("set", query_xml(ask, queryid), ask.archive, TIMEOUT)
        except StanzaError as error:
            raise ArchiveError(error.condition, error.text) from None
        finally:
            del self._queries[queryid]
        if query.dropped:
            raise ArchiveError("policy-violation", f"{query.dropped} results more than were asked for")
        fin = answer.find(f"{{{MAM}}}fin")
        if fin is None:
            raise ArchiveError("undefined-condition", "the answer is none to an archive query")
        results, told = self._read(account, query.items, ask.archive)
        if told:
            await asyncio.gather(*told)
        return Results(results, fin.get("complete") in ("true", "1"))

    async def preferences(self, link: Link, wanted: ArchivePreferences | None) -> ArchivePreferences:
        """What the account's archive keeps; ``wanted`` sets it. Raises ``ArchiveError``."""
        session = cast("Account", link.session).session
        try:
            answer = await session.iq("set" if wanted is not None else "get", preferences_xml(wanted))
            prefs = answer.find(f"{{{MAM}}}prefs")
            if prefs is None and wanted is not None:  # set, and nothing said of it
                prefs = (await session.iq("get", preferences_xml(None))).find(f"{{{MAM}}}prefs")
        except StanzaError as error:
            raise ArchiveError(error.condition, error.text) from None
        if prefs is None:
            raise ArchiveError("undefined-condition", "the answer holds no preferences")
        return read_preferences(prefs)

    def _result(self, account: Account, inbound: Inbound, via: Via) -> None:
        archived = cast("Archived", inbound.parts["archived"])
        query = self._queries.get(archived.query)
        if query is None or query.profile != account.profile or query.source != inbound.from_:
            self._log.warning(
                "archive result that nobody asked for ignored", sender=inbound.from_, id=inbound.id
            )
        elif len(query.items) >= query.most:
            query.dropped += 1
        else:
            query.items.append(archived)

    def _read(
        self, account: Account, items: list[Archived], archive: str
    ) -> tuple[list[Result], list[Awaitable[object]]]:
        router, decode = self._wires.router, self._wires.shared.decoders.decode
        results: list[Result] = []
        told: list[Awaitable[object]] = []
        for archived in items:
            result = Result(archived.id, archived.at)
            results.append(result)
            if archived.message is None:
                continue
            inner = decode(archived.message)
            inner.from_ = inner.from_ or account.bare
            if (inner.type == "groupchat") != bool(archive) or (
                archive and inner.from_.partition("/")[0] != archive
            ):
                continue
            if archive:
                message: object = self.room_message(account.profile, inner, archived.at)
            else:
                message = router.read(account, inner)
            if isinstance(message, NewMessage):
                message.archive, message.at = archived.id, archived.at
                result.message = message
            if not archive:
                told += router.observed(account, inner, "archive")
        return results, told
