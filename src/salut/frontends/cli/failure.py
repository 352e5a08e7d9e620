# SPDX-License-Identifier: AGPL-3.0-or-later
"""What went wrong, for the person on stderr (as JSON with ``--json``), and the exit code."""

from __future__ import annotations

import sys

from salut.frontends.cli import exits, show
from salut.model.errors import SalutError
from salut.model.words import _


def tell(error: BaseException, as_json: bool) -> int:
    """Report ``error`` and return its exit code."""
    assert isinstance(error, SalutError), error
    candidates = error.data.get("candidates")
    if as_json:
        document = {"code": error.code, "message": error.message, "data": dict(error.data)}
        sys.stderr.write(show.json_text({"error": document}, compact=True) + "\n")  # type: ignore[dict-item]
        return exits.of(error.code)
    show.note(error.message)
    if isinstance(candidates, list):
        for candidate in candidates:
            sys.stderr.write(f"  {show.one_line(str(candidate))}\n")
    condition = error.data.get("condition")
    if condition:
        show.note(_("The server's word for it: {}").format(condition))
    return exits.of(error.code)


def outside(error: OSError) -> SalutError:
    """An error of the system around us, such as a full disk behind stdout."""
    code = "not-found" if isinstance(error, FileNotFoundError) else "internal"
    where = f"{error.filename}: " if error.filename else ""
    return SalutError(code, f"{where}{error.strerror or error}")
