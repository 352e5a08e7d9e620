# SPDX-License-Identifier: AGPL-3.0-or-later
"""``python -m salut.daemon``: the daemon, in the foreground."""

from salut.daemon.main import main

main()
