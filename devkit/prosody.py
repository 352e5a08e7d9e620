# SPDX-License-Identifier: AGPL-3.0-or-later
"""A private prosody (Debian's package, 0.12 or later) on loopback."""

from __future__ import annotations

import os
import re
from pathlib import Path

from devkit.process import GuardedProcess, find_program
from devkit.servers import PrivateServer

_MODULES = (
    "disco", "roster", "saslauth", "tls", "dialback", "carbons", "smacks", "csi", "csi_simple", "pep",
    "blocklist", "bookmarks", "private", "vcard4", "vcard_legacy", "offline", "register", "ping", "time",
    "uptime", "version", "lastactivity", "s2s_bidi", "invites", "invites_adhoc", "invites_register",
    "server_contact_info",
)  # fmt: skip


def _lua(value: str | Path) -> str:
    """``value`` as a Lua string that holds on one line."""
    escaped = re.sub(r'[\\"\x00-\x1f\x7f]', lambda match: f"\\{ord(match[0]):03d}", str(value))
    return f'"{escaped}"'


def _lua_list(values: tuple[str, ...]) -> str:
    return "{ " + ", ".join(_lua(value) for value in values) + " }"


def _store_name(text: str) -> str:
    """``text`` as prosody names files in its data folder: all but ASCII letters and digits as %xx."""
    safe = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(chr(byte) if byte in safe else f"%{byte:02x}" for byte in text.encode())


class Prosody(PrivateServer):
    """Prosody with TLS required, SCRAM, MAM, carbons, stream management, PEP, and rooms on muc.DOMAIN."""

    kind = "prosody"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def register(self, user: str, password: str) -> str:
        """Write the account's file, which is all it takes: prosody hashes the password at first login."""
        accounts = self._data / _store_name(self.domain) / "accounts"
        accounts.mkdir(parents=True, exist_ok=True)
        target = accounts / f"{_store_name(user)}.dat"
        fresh = target.with_suffix(".new")
        fresh.write_text(f'return {{\n\t["password"] = {_lua(password)};\n}};\n')
        fresh.replace(target)
        return f"{user}@{self.domain}"

    def _ready_ports(self) -> list[int]:
        return [self.c2s_port, self.tls_port, self.s2s_port]

    def _launch(self) -> GuardedProcess:
        program = find_program("prosody", "prosody")
        command = [program, "-F", "--config", str(self._configuration)]
        return GuardedProcess(command, log=self.folder / "output.log", cwd=self.folder)

    @property
    def _configuration(self) -> Path:
        return self.folder / "prosody.cfg.lua"

    def _write_configuration(self) -> None:
        self._data.mkdir(exist_ok=True)
        self._configuration.write_text(self._text())

    @property
    def archive_database(self) -> Path:
        """Where archives lie, with ``sql_archive``."""
        return self.folder / "archive.sqlite"

    def _storage(self) -> str:
        if not self.options.sql_archive:
            return 'storage = "internal"'
        database = f'{{ driver = "SQLite3", database = {_lua(self.archive_database)} }}'
        return f"""\
sql = {database}
default_storage = "internal"; storage = {{ archive = "sql", muc_log = "sql" }}"""

    def _text(self) -> str:
        options = self.options
        key, certificate = _lua(self.authority.key), _lua(self.authority.certificate)
        tls = f"{{ key = {key}, certificate = {certificate}, cafile = {_lua(self.ca_file)} }}"
        modules = _MODULES + (("mam",) if options.mam else ())
        level = "debug" if options.debug_log else "info"
        return f"""\
data_path = {_lua(self._data)}; pidfile = {_lua(self.folder / "prosody.pid")}
run_as_root = {"true" if os.geteuid() == 0 else "false"}
interfaces = {{ "127.0.0.1", "::1" }}; local_interfaces = {{ "127.0.0.1", "::1" }}
c2s_ports = {{ {self.c2s_port} }}; c2s_direct_tls_ports = {{ {self.tls_port} }}
s2s_ports = {{ {self.s2s_port} }}; s2s_direct_tls_ports = {{ }}
http_ports = {{ }}; https_ports = {{ }}
ssl = {tls}
c2s_direct_tls_ssl = {tls}
c2s_require_encryption = true; s2s_require_encryption = true; s2s_secure_auth = true
authentication = "internal_hashed"
{self._storage()}
log = {{ {level} = {_lua(self.log_file)} }}
archive_expires_after = "1w"; default_archive_policy = true
max_archive_query_results = {options.archive_page}
allow_registration = true; min_seconds_between_registrations = 0
registration_invite_only = false; allow_user_invites = true
contact_info = {{
  admin = {{ "mailto:admin@example.org", "xmpp:admin@example.org" }};
  abuse = {{ "mailto:abuse@example.org" }};
}}
pep_max_items = 10000
smacks_hibernation_time = {options.hibernation}
modules_enabled = {_lua_list(modules)}
{options.extra}
VirtualHost {_lua(self.domain)}
  disco_items = {{ {{ {_lua(self.muc)}, "Rooms" }} }}
Component {_lua(self.muc)} "muc"
  modules_enabled = {_lua_list((("muc_mam",) if options.mam else ()) + options.muc_modules)}
  muc_log_by_default = {"true" if options.mam else "false"}
  muc_room_locking = {"true" if options.room_locking else "false"}
  restrict_room_creation = false
"""
