# SPDX-License-Identifier: AGPL-3.0-or-later
"""Passwords at rest: sealed with AES-256-GCM under a key that lies beside the database, not in it.

The key is a file of its own (mode 0600), so that a copy of the database alone gives nothing away.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from salut.model.errors import SalutError
from salut.model.words import _

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class Vault:
    """Seals and opens secrets. The label is bound to the secret: what was sealed for one is no other's."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._key: bytes | None = None

    def _load(self) -> bytes:
        if self._key is None:
            try:
                key = self._key_file.read_bytes()
            except FileNotFoundError:
                key = self._create()
            if len(key) != KEY_BYTES:
                raise SalutError(
                    "storage",
                    _("The key file {} is damaged. Restore it from a backup.").format(self._key_file),
                )
            self._key = key
        return self._key

    def _create(self) -> bytes:
        key = os.urandom(KEY_BYTES)
        fresh = self._key_file.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, key)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.rename(self._key_file)
        return key

    def seal(self, label: str, secret: str) -> bytes:
        """``secret``, unreadable without the key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 17 ms: only when needed

        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._load()).encrypt(nonce, secret.encode(), label.encode())

    def open(self, label: str, sealed: bytes) -> str:
        """What was sealed. ``SalutError('storage')`` when key and secret do not fit."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return (
                AESGCM(self._load())
                .decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], label.encode())
                .decode()
            )
        except (InvalidTag, ValueError):
            raise SalutError(
                "storage",
                _(
                    "The password of {} cannot be opened with the key file. Give it again: jp profile change"
                ).format(label),
            ) from None
