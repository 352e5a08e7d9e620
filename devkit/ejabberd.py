# SPDX-License-Identifier: AGPL-3.0-or-later
"""A private ejabberd (Debian's package, 23.01) on loopback."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from devkit.ca import TestAuthority
from devkit.process import GuardedProcess, ProgramFailedError, ProgramMissingError, find_program
from devkit.servers import PrivateServer, ServerOptions


def _library() -> Path:
    """The folder with Debian's Erlang applications, ejabberd's among them."""
    found = sorted(Path("/usr/lib").glob("*/ejabberd-*/ebin/ejabberd.app"))
    if not found:
        raise ProgramMissingError(
            "ejabberd is not installed: run `make system`, or install Debian's ejabberd"
        )
    return found[0].parents[2]


class Ejabberd(PrivateServer):
    """ejabberd with TLS required, SCRAM, MAM (mnesia), stream management, PEP, and rooms on muc.DOMAIN."""

    kind = "ejabberd"
    ready_within = 120.0

    def __init__(
        self,
        folder: Path,
        *,
        domain: str = "localhost",
        options: ServerOptions | None = None,
        authority: TestAuthority | None = None,
    ) -> None:
        super().__init__(folder, domain=domain, options=options, authority=authority)
        self.http_port = self._pool.take()

    def register(self, user: str, password: str) -> str:
        """Register through the HTTP API. Raises ``ProgramFailedError`` if ejabberd refuses or is down."""
        self._api("register", {"user": user, "host": self.domain, "password": password})
        return f"{user}@{self.domain}"

    def _api(self, command: str, arguments: dict[str, str]) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)
        try:
            body = json.dumps(arguments)
            connection.request("POST", f"/api/{command}", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            text = reply.read().decode()
        except OSError as error:
            raise ProgramFailedError(f"ejabberd's API does not answer: {error}") from error
        finally:
            connection.close()
        if reply.status != http.client.OK:
            raise ProgramFailedError(f"ejabberd refused {command}: {reply.status} {text}")
        return text

    def _ready_ports(self) -> list[int]:
        return [self.http_port, self.c2s_port, self.tls_port, self.s2s_port]

    def _launch(self) -> GuardedProcess:
        # erl becomes the virtual machine without a shell between, so that signals reach it. Without a node
        # name it neither listens for other nodes nor needs Erlang's shared port mapper.
        command = [
            find_program("erl", "ejabberd"),
            *("+K", "true", "+P", "250000", "-noinput"),
            *("-mnesia", "dir", json.dumps(str(self.folder / "spool"))),
            *("-ejabberd", "log_rotate_size", "infinity"),
            *("-s", "ejabberd"),
        ]
        env = {
            "ERL_LIBS": str(_library()),
            "EJABBERD_CONFIG_PATH": str(self._configuration),
            "EJABBERD_LOG_PATH": str(self.log_file),
            "ERL_CRASH_DUMP": str(self.folder / "crash.dump"),
            "ERL_MAX_PORTS": "32000",
            "HOME": str(self.folder),
        }
        return GuardedProcess(command, log=self.folder / "output.log", cwd=self.folder, env=env)

    @property
    def _configuration(self) -> Path:
        return self.folder / "ejabberd.yml"

    def _write_configuration(self) -> None:
        (self.folder / "spool").mkdir(exist_ok=True)
        self._configuration.write_text(self._text())

    def _listeners(self) -> str:
        common = 'ip: "127.0.0.1"'
        client = f"{common}, module: ejabberd_c2s, max_stanza_size: 262144, access: c2s"
        return f"""\
listen:
  - {{port: {self.c2s_port}, {client}, starttls: true, starttls_required: true}}
  - {{port: {self.tls_port}, {client}, tls: true}}
  - {{port: {self.s2s_port}, {common}, module: ejabberd_s2s_in}}
  - {{port: {self.http_port}, {common}, module: ejabberd_http, request_handlers: {{/api: mod_http_api}}}}
"""

    def _text(self) -> str:
        options = self.options
        archive = "always" if options.mam else "never"
        rooms = "true" if options.mam else "false"
        return f"""\
hosts: [{json.dumps(self.domain)}]
loglevel: {"debug" if options.debug_log else "info"}
certfiles: [{json.dumps(str(self.authority.server_pem))}]
ca_file: {json.dumps(str(self.ca_file))}
auth_method: internal
auth_password_format: scram
s2s_use_starttls: required
registration_timeout: infinity
acl: {{local: {{user_regexp: ""}}, loopback: {{ip: ["127.0.0.0/8", "::1/128"]}}}}
access_rules:
  c2s: {{allow: all}}
  local: {{allow: local}}
  loopback: {{allow: loopback}}
api_permissions:
  devkit: {{from: [mod_http_api], who: {{ip: 127.0.0.0/8}}, what: "*"}}
{options.extra}
{self._listeners()}
modules:
  mod_adhoc: {{}}
  mod_admin_extra: {{}}
  mod_blocking: {{}}
  mod_caps: {{}}
  mod_carboncopy: {{}}
  mod_client_state: {{}}
  mod_disco:
    server_info:
      - {{modules: all, name: admin-addresses, urls: ["mailto:admin@example.org", "xmpp:admin@example.org"]}}
      - {{modules: all, name: abuse-addresses, urls: ["mailto:abuse@example.org"]}}
  mod_http_api: {{}}
  mod_last: {{}}
  mod_mam: {{default: {archive}, assume_mam_usage: {rooms}, request_activates_archiving: false}}
  mod_muc: {{host: {self.muc}, access: all, access_create: all, default_room_options: {{mam: {rooms}}}}}
  mod_muc_admin: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_private: {{}}
  mod_pubsub:
    host: pubsub.{self.domain}
    access_createnode: local
    plugins: [flat, pep]
    max_items_node: 10000
    force_node_config: {{"storage:bookmarks": {{access_model: whitelist}}}}
  mod_register: {{ip_access: loopback, access: c2s}}
  mod_roster: {{versioning: true}}
  mod_s2s_dialback: {{}}
  mod_stream_mgmt: {{resend_on_timeout: if_offline, resume_timeout: {options.hibernation}}}
  mod_time: {{}}
  mod_vcard: {{search: false}}
  mod_vcard_xupdate: {{}}
  mod_version: {{}}
"""
