# SPDX-License-Identifier: AGPL-3.0-or-later
"""Alembic revisions of the tables of invitations."""
