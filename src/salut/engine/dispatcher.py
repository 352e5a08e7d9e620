# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every call of every window, whatever the binding: find, authorise, validate, run once, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from salut.api.contract import DAEMON_JOURNAL, SCOPES
from salut.api.ports import Read, Tx
from salut.api.wire import Reply
from salut.engine.context import CURRENT, CallContext
from salut.engine.database import Readers
from salut.engine.journal import Journal
from salut.engine.registry import Entry, Registry
from salut.model import moment
from salut.model.errors import SalutError, invalid, not_found
from salut.model.owner import TaskOwner
from salut.model.words import _

OP_KEPT = 24 * 3600 * moment.SECOND
PURGE_EVERY = 1_000
ENDS_PROFILE = frozenset({"profiles.delete"})  # their ops are remembered beside the profile, not with it
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Caller:
    """Who calls: a window with what it may do. ``profiles`` is ``None`` for all."""

    id: str = ""
    name: str = ""
    scopes: frozenset[str] = field(default_factory=lambda: frozenset(SCOPES))
    profiles: frozenset[str] | None = None

    def sees(self, profile: str) -> bool:
        """Whether this window may know of a profile."""
        return self.profiles is None or profile in self.profiles


class Dispatcher:
    """Answers calls with encoded ``Reply`` objects."""

    def __init__(
        self,
        registry: Registry,
        journal: Journal,
        readers: Readers,
        owner: TaskOwner,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self.registry = registry
        self._journal = journal
        self._readers = readers
        self._owner = owner
        self._log = log
        self._running: dict[tuple[str, str], tuple[str, Running]] = {}
        self._since_purge = 0
        self._turns: dict[str, asyncio.Lock] = {}  # of each profile's ops

    async def call(self, caller: Caller, method: str, params: bytes) -> bytes:
        """The encoded ``Reply``. Raises ``SalutError`` and nothing else (but cancellation)."""
        entry = self.registry.methods.get(method)
        if entry is None:
            raise SalutError(
                "unknown-method", _("There is no method {}; its plugin may be missing.").format(method[:80])
            )
        values = decode_params(entry.decoder, params)
        op: str = getattr(values, "op", "") if entry.write else ""
        context = CallContext(caller.id, caller.name, op, caller.profiles)
        if entry.scope not in caller.scopes:
            raise SalutError(
                "denied", _("This window may not do that; it lacks the scope “{}”.").format(entry.scope)
            )
        if entry.name in ENDS_PROFILE and op and caller.sees(values.profile):
            known = await self._known(entry, DAEMON_JOURNAL, op)  # the profile itself may be gone by now
            if known is not None:
                return known
        self._authorise(caller, values)
        if op:
            return await self._once(entry, values, context)
        if entry.write:
            return await _outcome(self._spawn(self._run(entry, values, context), entry.name))
        return await self._run(entry, values, context)

    def _spawn(self, work: Coroutine[Any, Any, bytes], name: str) -> Running:
        """A write ends as it began: a window that goes away meanwhile must not leave it half done."""

        async def caught() -> bytes | SalutError:
            try:
                return await work
            except SalutError as error:
                return error

        return self._owner.spawn(caught(), name)

    def _authorise(self, caller: Caller, values: object) -> None:
        """Also where ``profile`` may be absent: a window must not name what it may not see."""
        profile: str | None = getattr(values, "profile", None)
        if profile is None:
            return
        there = profile in self._journal.journals.pids and profile != DAEMON_JOURNAL
        if not there or not caller.sees(profile):
            raise not_found(_("There is no profile {}. See them: jp profile list").format(profile[:80]))

    async def _run(self, entry: Entry, values: object, context: CallContext) -> bytes:
        if not entry.write and entry.per_profile:  # what is read holds at least this
            profile: str = values.profile  # type: ignore[attr-defined]  # per_profile says it is there
            context.seq[profile] = self._journal.heads.get(profile, 0)
        token = CURRENT.set(context)
        try:
            value = await entry.serve(**{name: getattr(values, name) for name in entry.fields})
            return _encode(Reply(value=value, seq=context.seq))
        except SalutError:
            raise
        except asyncio.CancelledError:
            raise
        except OverflowError:
            raise invalid("", _("A number is too large.")) from None
        except TimeoutError:
            raise SalutError("timeout", _("The server did not answer in time. Try again.")) from None
        except Exception as error:
            self._log.exception("call failed", method=entry.name)
            raise SalutError(
                "internal",
                _("{} failed inside the daemon ({}). The daemon's log says more: jp daemon log").format(
                    entry.name, type(error).__name__
                ),
            ) from error
        finally:
            CURRENT.reset(token)

    async def _once(self, entry: Entry, values: object, context: CallContext) -> bytes:
        """Answer as the first time within 24 hours, also while the first time still runs."""
        profile = getattr(values, "profile", DAEMON_JOURNAL) if entry.per_profile else DAEMON_JOURNAL
        if entry.name in ENDS_PROFILE:
            profile = DAEMON_JOURNAL
        mark = (profile, context.op)
        method, running = self._running.get(mark, ("", None))
        if running is None:
            work = self._first_time(entry, values, context, profile)
            running = self._spawn(work, entry.name)
            self._running[mark] = (entry.name, running)
            running.add_done_callback(lambda _task: self._running.pop(mark))
        elif method != entry.name:
            raise _other_method(method)
        return await _outcome(running)

    async def _first_time(self, entry: Entry, values: object, context: CallContext, profile: str) -> bytes:
        # Looked up one after another, and not awaited between that and the work: of several that a window has
        # under way each begins in its turn, so messages keep the order in which they were asked for.
        async with self._turns.setdefault(profile, asyncio.Lock()):
            reply = await self._known(entry, profile, context.op)
        if reply is None:
            reply = await self._run(entry, values, context)
            await self._remember(entry, profile, context.op, reply)
        return reply

    async def _known(self, entry: Entry, profile: str, op: str) -> bytes | None:
        pid = self._journal.journals.pids.get(profile, -1)  # deleted a moment ago: nothing is known of it

        def read(store: Read) -> tuple[object, ...] | None:
            return store.one("SELECT method, reply FROM op WHERE pid=? AND op=?", (pid, op))

        row = await self._readers.read(read)
        if row is None:
            return None
        if row[0] != entry.name:
            raise _other_method(str(row[0]))
        assert isinstance(row[1], bytes)
        return row[1]

    async def _remember(self, entry: Entry, profile: str, op: str, reply: bytes) -> None:
        self._since_purge += 1
        purge = self._since_purge >= PURGE_EVERY
        if purge:
            self._since_purge = 0

        def work(tx: Tx) -> None:
            tx.execute(
                "INSERT OR REPLACE INTO op (pid, op, method, at, reply) VALUES (?,?,?,?,?)",
                (tx.pid, op, entry.name, moment.now(), reply),
            )
            if purge:
                tx.execute("DELETE FROM op WHERE at < ?", (moment.now() - OP_KEPT,))

        if profile not in self._journal.journals.pids:
            return  # deleted meanwhile, and with it whom this could matter to
        try:
            await self._journal.commit(profile, work)
        except SalutError as error:  # the call itself is stored: its answer stays true
            if error.code == "storage":
                self._owner.spawn(self._journal.commit(profile, work, patient=True), "remember an op")


Running = asyncio.Task[object]  # its result is the encoded reply, or the SalutError that it came to


async def _outcome(running: Running) -> bytes:
    result = await asyncio.shield(running)
    if isinstance(result, SalutError):
        raise result
    assert isinstance(result, bytes)
    return result


def _other_method(method: str) -> SalutError:
    return SalutError("conflict", _("This op id was used for {} already.").format(method), {"field": "op"})


def decode_params(decoder: msgspec.json.Decoder[Any], params: bytes) -> Any:
    """Parameters as their struct; ``invalid`` names the field that is wrong."""
    try:
        return decoder.decode(params)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _bad_params(error) from None
    except RecursionError:
        raise invalid("", _("A parameter is wrong: {}").format(_("it is nested too deeply"))) from None


def _bad_params(error: Exception) -> SalutError:
    """``invalid`` that names the field, from msgspec's words (``… - at `$.field```)."""
    text = str(error)
    field_name = text.rpartition("`$.")[2].rstrip("`") if "`$." in text else ""
    if not field_name and "missing required field `" in text:
        field_name = text.rpartition("missing required field `")[2].rstrip("`")
    return invalid(field_name, _("A parameter is wrong: {}").format(text))
