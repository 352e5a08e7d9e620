# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the daemon of this machine keeps its socket and data, for programs that look at them from outside."""

from __future__ import annotations

from salut.bridge.paths import SOCKET_NAME, runtime_folder, socket_path, state_folder, unsafe

__all__ = ["SOCKET_NAME", "runtime_folder", "socket_path", "state_folder", "unsafe"]
