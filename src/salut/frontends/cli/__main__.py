# SPDX-License-Identifier: AGPL-3.0-or-later
"""``python -m salut.frontends.cli`` is ``jp``."""

import sys

from salut.frontends.cli.entry import main

sys.exit(main())
