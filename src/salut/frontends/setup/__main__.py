# SPDX-License-Identifier: AGPL-3.0-or-later
"""``python -m salut.frontends.setup``: the command ``salut``."""

import sys

from salut.frontends.setup.entry import main

sys.exit(main())
