# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every call of every window, whatever the binding: find, authorise, validate, run once, answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

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
from salut.model.words import _

OP_KEPT = 24 * 3600 * moment.SECOND
PURGE_EVERY = 1_000
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
        self, registry: Registry, journal: Journal, readers: Readers, log: structlog.stdlib.BoundLogger
    ) -> None:
        self.registry = registry
        self._journal = journal
        self._readers = readers
        self._log = log
        self._running: dict[tuple[str, str], asyncio.Future[bytes]] = {}
        self._since_purge = 0

    async def call(self, caller: Caller, method: str, params: bytes) -> bytes:
        """The encoded ``Reply``. Raises ``SalutError`` and nothing else (but cancellation)."""
        entry = self.registry.methods.get(method)
        if entry is None:
            raise SalutError(
                "unknown-method", _("There is no method {}; its plugin may be missing.").format(method[:80])
            )
        try:
            values = entry.decoder.decode(params)
        except msgspec.DecodeError as error:
            raise bad_params(error) from None
        self._authorise(caller, entry, values)
        op: str = getattr(values, "op", "") if entry.write else ""
        context = CallContext(caller.id, caller.name, op, caller.profiles)
        if not op:
            return await self._run(entry, values, context)
        return await self._once(entry, values, context)

    def _authorise(self, caller: Caller, entry: Entry, values: object) -> None:
        if entry.scope not in caller.scopes:
            raise SalutError(
                "denied", _("This window may not do that; it lacks the scope “{}”.").format(entry.scope)
            )
        if entry.per_profile and not entry.name.startswith("profiles.create"):
            profile: str = values.profile  # type: ignore[attr-defined]  # per_profile says it is there
            if (
                profile not in self._journal.journals.pids
                or profile == DAEMON_JOURNAL
                or not caller.sees(profile)
            ):
                raise not_found(_("There is no profile {}. See them: jp profile list").format(profile[:80]))

    async def _run(self, entry: Entry, values: object, context: CallContext) -> bytes:
        if not entry.write and entry.per_profile:  # what is read holds at least this
            profile: str = values.profile  # type: ignore[attr-defined]  # per_profile says it is there
            context.seq[profile] = self._journal.heads.get(profile, 0)
        token = CURRENT.set(context)
        try:
            value = await entry.serve(**{name: getattr(values, name) for name in entry.fields})
        except SalutError:
            raise
        except asyncio.CancelledError:
            raise
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
        return _encode(Reply(value=value, seq=context.seq))

    async def _once(self, entry: Entry, values: object, context: CallContext) -> bytes:
        """Answer as the first time within 24 hours, also while the first time still runs."""
        profile = getattr(values, "profile", DAEMON_JOURNAL) if entry.per_profile else DAEMON_JOURNAL
        mark = (profile, context.op)
        running = self._running.get(mark)
        if running is not None:
            return await asyncio.shield(running)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda f: f.cancelled() or f.exception())  # seen, even if nobody waits
        self._running[mark] = future
        try:
            reply = await self._known(entry, profile, context.op)
            if reply is None:
                reply = await self._run(entry, values, context)
                await self._remember(entry, profile, context.op, reply)
            future.set_result(reply)
            return reply
        except asyncio.CancelledError:
            future.cancel()
            raise
        except SalutError as error:
            future.set_exception(error)
            raise
        finally:
            del self._running[mark]

    async def _known(self, entry: Entry, profile: str, op: str) -> bytes | None:
        pid = self._journal.journals.pids[profile]

        def read(store: Read) -> tuple[object, ...] | None:
            return store.one("SELECT method, reply FROM op WHERE pid=? AND op=?", (pid, op))

        row = await self._readers.read(read)
        if row is None:
            return None
        if row[0] != entry.name:
            raise SalutError(
                "conflict", _("This op id was used for {} already.").format(row[0]), {"field": "op"}
            )
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

        if profile in self._journal.journals.pids:  # not when the call deleted it
            await self._journal.commit(profile, work)


def bad_params(error: msgspec.DecodeError) -> SalutError:
    """``invalid`` that names the field, from msgspec's words (``… - at `$.field```)."""
    text = str(error)
    field_name = text.rpartition("`$.")[2].rstrip("`") if "`$." in text else ""
    if not field_name and "missing required field `" in text:
        field_name = text.rpartition("missing required field `")[2].rstrip("`")
    return invalid(field_name, _("A parameter is wrong: {}").format(text))
