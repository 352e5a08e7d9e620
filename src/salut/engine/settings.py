# SPDX-License-Identifier: AGPL-3.0-or-later
"""Settings: typed values that plugins declare; one writer; a batch is taken whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from salut.api.contract import DAEMON_JOURNAL
from salut.api.core import Setting, SettingsApi
from salut.api.core import Settings as SettingList
from salut.api.ports import Read, Tx
from salut.api.wire import Item
from salut.engine.journal import Journal
from salut.model.errors import SalutError, invalid
from salut.model.words import _


class Settings(SettingsApi):
    """All settings. A field's help stands in its ``msgspec.Meta(description=…)``."""

    def __init__(self, journal: Journal, read: Read) -> None:
        self._journal = journal
        self._structs: dict[str, type[msgspec.Struct]] = {}
        self._settings: dict[str, Setting] = {}
        self._made: dict[str, tuple[type[msgspec.Struct], Any]] = {}  # what ``get`` gives
        self._stored = {
            str(n): (v, int(r or 0)) for n, v, r in read.all("SELECT name, value, rev FROM setting")
        }

    def declare(self, plugin: str, struct: type[msgspec.Struct]) -> None:
        """A plugin's settings: a struct whose fields all have defaults."""
        self._structs[plugin] = struct
        schema = msgspec.json.schema(struct)["$defs"][struct.__name__]["properties"]
        for field in msgspec.structs.fields(struct):
            name = f"{plugin}.{field.encode_name}"
            default = msgspec.to_builtins(getattr(struct(), field.name))
            value, rev = default, 0
            if name in self._stored:
                raw, rev = self._stored[name]
                value = msgspec.json.decode(str(raw))
            words = str(schema[field.encode_name].get("description", ""))
            self._settings[name] = Setting(name=name, value=value, default=default, help=words, rev=rev)

    def get(self, plugin: str, struct: type[msgspec.Struct]) -> Any:
        """A plugin's settings in force. Plugins ask for each message, so the struct is made once."""
        made = self._made.get(plugin)
        if made is None or made[0] is not struct:
            values = {
                f.name: self._settings[f"{plugin}.{f.encode_name}"].value
                for f in msgspec.structs.fields(struct)
            }
            made = self._made[plugin] = (struct, msgspec.convert(values, struct))
        return made[1]

    async def list(self) -> SettingList:
        return sorted(self._settings.values(), key=lambda s: s.name)

    async def set(self, *, values: dict[str, Any], if_rev: int | None = None) -> SettingList:
        for name in values:
            if name not in self._settings:
                raise invalid(name, _("There is no setting {}.").format(name[:80]))
        self._validate(values)

        def work(tx: Tx) -> SettingList:
            if if_rev is not None:
                self._check(tx, values, if_rev)
            fresh = []
            for name, value in values.items():
                rev = tx.next_seq()
                setting = msgspec.structs.replace(self._settings[name], value=value, rev=rev)
                tx.execute(
                    "INSERT OR REPLACE INTO setting (name, value, rev) VALUES (?,?,?)",
                    (name, msgspec.json.encode(value).decode(), rev),
                )
                tx.change("setting", name, setting)
                fresh.append(setting)
            return fresh

        fresh = await self._journal.commit(DAEMON_JOURNAL, work)
        for setting in fresh:
            if setting.rev > self._settings[setting.name].rev:
                self._settings[setting.name] = setting
                self._made.pop(setting.name.partition(".")[0], None)
        return fresh

    def _check(self, tx: Tx, values: dict[str, Any], if_rev: int) -> None:
        """``conflict`` if one of them is newer. The store is asked: another unit may have come just before."""
        for name in values:
            row = tx.one("SELECT value, rev FROM setting WHERE name=?", (name,))
            if row is not None and int(row[1] or 0) > if_rev:
                raise SalutError(
                    "conflict",
                    _("{} was changed meanwhile.").format(name),
                    {"field": name, "current": str(row[0]), "rev": int(row[1] or 0)},
                )

    def _validate(self, values: dict[str, Any]) -> None:
        for plugin, struct in self._structs.items():
            own = {n.partition(".")[2]: v for n, v in values.items() if n.partition(".")[0] == plugin}
            try:
                msgspec.convert(own, struct)
            except msgspec.ValidationError as error:
                field = str(error).rpartition("`$.")[2].rstrip("`")
                raise invalid(f"{plugin}.{field}", str(error)) from None

    def snapshot(self) -> Iterable[Item]:
        """All settings as items (they are fetched on demand; kept for completeness of a reset)."""
        return [Item("setting", s.name, s.rev, s) for s in self._settings.values()]
