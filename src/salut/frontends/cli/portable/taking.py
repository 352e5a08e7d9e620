# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp import``: from a source into the daemon, batch by batch. A batch is stored whole or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.portable import report
from salut.frontends.cli.portable.found import Account, Bad, Entry, Source, Where
from salut.frontends.cli.portable.report import Counts, Progress
from salut.frontends.cli.shapes import number, objects, text
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.history.api import Conversation, Message
from salut.plugins.portability.api import Thing

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

BATCH: Final = 1_000  # entries (portability.api.MAX_BATCH)
BYTES: Final = 800_000  # of a batch, about; a request has at most 1 MiB
AHEAD: Final = 4  # batches on their way
METHOD: Final = "portability.import_messages"
SOFT: Final = ("not-found", "not-connected", "refused", "unavailable", "timeout")
_plain = msgspec.to_builtins


def targets(
    link: Link, accounts: list[Account], chosen: Mapping[str, str], profile: str | None
) -> dict[str, str]:
    """The profile here for each account of the source; empty for one to leave out.

    ``chosen`` are the person's words (by the account's name or address); then ``profile`` where there is one
    account only; then the profile with that address, then with that name. Raises ``not-found``.
    """
    mine = objects(link.call("profiles.list"))
    names = {text(p, "name") for p in mine}
    by_address = {text(p, "address"): text(p, "name") for p in mine}
    known = {word for account in accounts for word in account}
    for old, new in chosen.items():
        if old not in known:
            raise SalutError("not-found", _("--map: there is no account “{}” in the file.").format(old))
        if new and new not in names:
            raise SalutError(
                "not-found", _("--map: there is no profile {}. See: jp profile list").format(new)
            )
    found: dict[str, str] = {}
    for account in accounts:
        if account.name in chosen or account.address in chosen:
            found[account.name] = chosen.get(account.name, chosen.get(account.address, ""))
        elif profile is not None and len(accounts) == 1:
            found[account.name] = profile
        elif account.address in by_address and account.address:
            found[account.name] = by_address[account.address]
        elif account.name in names:
            found[account.name] = account.name
    missing = [account for account in accounts if account.name not in found]
    if missing:
        shown = [f"{a.name} ({a.address})" if a.address not in ("", a.name) else a.name for a in missing]
        raise SalutError(
            "not-found",
            _("No profile here is called or has the address: {}. Say which: --map OLD=PROFILE").format(
                ", ".join(name or _("(unnamed)") for name in shown)
            ),
        )
    if profile is not None and len(accounts) > 1 and not chosen:
        return {name: to if to == profile else "" for name, to in found.items()}
    return found


def address(link: Link, profile: str) -> str:
    """The address of a profile."""
    mine = objects(link.call("profiles.list"))
    return next((text(p, "address") for p in mine if text(p, "name") == profile), "")


class Taker:
    """Hands entries over; ``dry`` only counts, ``lenient`` leaves out what is wrong."""

    def __init__(
        self, link: Link, to: dict[str, str], own: str, tell: Progress, *, dry: bool, lenient: bool
    ) -> None:
        """``own``: the address to which things belong whose file names no account."""
        self._link = link
        self._to = to
        self._own = own
        self._tell = tell
        self._dry = dry
        self._lenient = lenient
        self._marks: dict[str, int] = {}
        self._batch: list[Entry] = []
        self._bytes = 0
        self._sent: deque[tuple[int, str, list[Entry]]] = deque()
        self._marked: dict[tuple[str, str], Conversation] = {}  # conversations whose read mark is to follow
        self._refused: set[str] = set()
        self.counts = Counts()

    def run(self, source: Source) -> Counts:
        """Take all."""
        for profile in {to for to in self._to.values() if to}:
            mark = self._link.call("portability.begin", {"profile": profile})
            self._marks[profile] = mark if isinstance(mark, int) else 0
        for found in source.entries():
            if isinstance(found, Bad):
                self._bad(found.where, found.words)
            elif self._to.get(found.account):
                self._take(found)
            elif found.account not in self._to:
                self._bad(found.where, _("the header names no profile “{}”").format(found.account))
        self._flush()
        self._settle()
        self._read_marks()
        return self.counts

    def _bad(self, where: Where, words: str) -> None:
        if not self._lenient:
            self._settle()
            raise SalutError(
                "invalid",
                _(
                    "{}: {}. {} messages before it are in; mend it and run the same again (nothing comes twice), "
                    "or leave such entries out with --lenient."
                ).format(where, words.rstrip("."), self.counts.stored + self.counts.known),
                {"field": "file", "file": where.file, "line": where.line},
            )
        report.problem(self.counts, f"{where}: {words}")

    def _take(self, entry: Entry) -> None:
        value = entry.value
        unnamed = not entry.account and self._own
        if unnamed and isinstance(value, Message) and value.outgoing and value.kind != "groupchat":
            entry = entry._replace(value=msgspec.structs.replace(value, sender=self._own))
        size = len(entry.value.body) + 350 if isinstance(entry.value, Message) else 1000
        if isinstance(entry.value, Thing):
            size = len(msgspec.json.encode(entry.value))
        first = self._batch[0] if self._batch else entry
        other = (first.account, _sort(first)) != (entry.account, _sort(entry))
        if other or len(self._batch) >= BATCH or self._bytes + size > BYTES:
            self._flush()
        self._batch.append(entry)
        self._bytes += size

    def _flush(self) -> None:
        batch, self._batch, self._bytes = self._batch, [], 0
        if not batch:
            return
        profile = self._to[batch[0].account]
        value = batch[0].value
        if not isinstance(value, Message):
            self._settle()
        if isinstance(value, Message):
            self._messages(profile, batch)
        elif isinstance(value, Thing):
            self._things(profile, value.kind, batch)
        else:
            self._conversations(profile, batch)
        self._tell(self.counts)

    def _params(self, profile: str, batch: list[Entry], **more: bool | int | str) -> Object:
        return {"profile": profile, "batch": [_plain(entry.value) for entry in batch], **more}

    def _messages(self, profile: str, batch: list[Entry]) -> None:
        """Send a batch; several are on their way, so that the daemon stores them together."""
        while len(self._sent) >= AHEAD:
            self._collect()
        params = self._params(profile, batch, mark=self._marks[profile], dry_run=self._dry)
        try:
            number = self._link.connection.submit(METHOD, params)
        except SalutError as error:
            if error.code != "too-large" or len(batch) == 1:
                raise
            half = len(batch) // 2  # escapes took more room than thought
            self._messages(profile, batch[:half])
            self._messages(profile, batch[half:])
            return
        self._sent.append((number, profile, batch))

    def _collect(self) -> None:
        """What came of the oldest batch on its way."""
        sent, profile, batch = self._sent.popleft()
        try:
            answer = self._link.connection.collect(sent, METHOD)
        except SalutError as error:
            index = error.data.get("index")
            if error.code != "invalid" or not isinstance(index, int) or index >= len(batch):
                raise
            self._settle()
            self._bad(batch[index].where, error.message)
            self._messages(profile, batch[:index] + batch[index + 1 :])
            return
        done = as_object(as_object(answer).get("value"))
        self.counts.messages += len(batch)
        self.counts.stored += number(done, "stored")
        self.counts.known += number(done, "known")

    def _settle(self) -> None:
        """Nothing is on its way any more."""
        while self._sent:
            self._collect()

    def _conversations(self, profile: str, batch: list[Entry]) -> None:
        """Made before their messages come; their read marks are set behind these."""
        self.counts.conversations += len(batch)
        if self._dry:
            return
        for entry in batch:
            if isinstance(entry.value, Conversation):
                self._marked[(profile, entry.value.address)] = entry.value
        bare = [msgspec.structs.replace(v, read_place=0, read_sub=0) for v in _conversations(batch)]
        try:
            self._send(profile, bare)
        except SalutError as error:
            if error.code != "invalid":
                raise
            self._bad(batch[0].where, error.message)

    def _read_marks(self) -> None:
        for profile in {profile for profile, _address in self._marked}:
            mine = [value for (of, _address), value in self._marked.items() if of == profile]
            for first in range(0, len(mine), BATCH):
                self._send(profile, mine[first : first + BATCH])

    def _send(self, profile: str, conversations: list[Conversation]) -> None:
        plain = [_plain(value) for value in conversations]
        self._link.call("portability.import_conversations", {"profile": profile, "batch": plain})

    def _things(self, profile: str, kind: str, batch: list[Entry]) -> None:
        if self._dry:
            self.counts.things += len(batch)
            return
        if kind in self._refused:
            return
        try:
            done = self._link.object("portability.import_things", self._params(profile, batch, kind=kind))
        except SalutError as error:
            if error.code in SOFT:  # messages do not wait for a link or a plugin
                self._refused.add(kind)
                report.problem(self.counts, _("{} were not taken: {}").format(kind, error.message))
            elif error.code not in ("invalid", "too-large"):
                raise
            elif len(batch) == 1:
                self._bad(batch[0].where, error.message)
            else:  # one of them is wrong: which one? What is stored again meanwhile is known then
                half = len(batch) // 2
                self._things(profile, kind, batch[:half])
                self._things(profile, kind, batch[half:])
            return
        self.counts.things += number(done, "stored")


def _conversations(batch: list[Entry]) -> list[Conversation]:
    return [entry.value for entry in batch if isinstance(entry.value, Conversation)]


def _sort(entry: Entry) -> str:
    """Entries of a batch are of one sort."""
    value = entry.value
    return value.kind if isinstance(value, Thing) else type(value).__name__
