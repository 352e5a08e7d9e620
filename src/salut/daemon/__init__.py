# SPDX-License-Identifier: AGPL-3.0-or-later
"""The composition root: reads configuration, wires everything, ``main``. Holds no logic."""
