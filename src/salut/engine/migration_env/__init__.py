# SPDX-License-Identifier: AGPL-3.0-or-later
"""The environment in which Alembic runs all revisions (its script location; revisions lie elsewhere)."""
