# SPDX-License-Identifier: AGPL-3.0-or-later
"""The SDK's own errors, in words for people. Apart, so that a run without errors never loads gettext."""

from __future__ import annotations

from salut.model.errors import SalutError, invalid
from salut.model.words import _


def not_running(path: str) -> SalutError:
    """Nothing listens on the socket, and it was not to be started."""
    return SalutError(
        "no-daemon", _("The daemon is not running (nothing answers on {}).").format(path), {"path": path}
    )


def cannot_start(reason: str, output: str = "") -> SalutError:
    """The daemon was started and did not come up. ``output`` holds its last words."""
    text = _("The daemon could not be started: {}").format(reason)
    return SalutError("no-daemon", f"{text}\n{output}" if output else text, {"output": output})


def ended_at_start(status: int, output: str) -> SalutError:
    """The daemon ended before it listened; ``status`` as subprocess gives it (negative: a signal)."""
    if status < 0:
        return cannot_start(_("it was ended by signal {}.").format(-status), output)
    return cannot_start(_("it ended with exit code {}.").format(status), output)


def silent_at_start(seconds: float, output: str) -> SalutError:
    """The daemon runs, but nothing answered in time."""
    return cannot_start(_("it did not answer within {:.0f} seconds.").format(seconds), output)


def still_there() -> SalutError:
    """The daemon was told to stop, and has not."""
    return SalutError("timeout", _("The daemon has not ended yet; see “jp daemon log”."))


def cut(reason: str = "") -> SalutError:
    """The connection ended before the answer came."""
    text = _("The connection to the daemon was lost.")
    return SalutError("no-daemon", f"{text} {reason}" if reason else text)


def no_answer(method: str, seconds: float) -> SalutError:
    """The daemon did not answer in time. What was asked may still happen."""
    text = _("The daemon did not answer “{}” within {:g} seconds.").format(method, seconds)
    return SalutError("timeout", text, {"method": method})


def quiet(seconds: float) -> SalutError:
    """No notification came in time."""
    return SalutError("timeout", _("Nothing came from the daemon within {:g} seconds.").format(seconds))


def farewell(code: str, message: str) -> SalutError:
    """The daemon said goodbye; ``data.goodbye`` holds its word for why."""
    text = message or _("The daemon closed the connection ({}).").format(code)
    return SalutError("denied" if code == "denied" else "no-daemon", text, {"goodbye": code})


def other_protocol(theirs: object, ours: int) -> SalutError:
    """The daemon speaks another major version of the protocol."""
    text = _("The daemon speaks version {} of the protocol, this program version {}. Update the older one.")
    return SalutError("unavailable", text.format(theirs, ours))


def not_ours(what: str) -> SalutError:
    """Something else than a Salut daemon answers, or a broken one."""
    return SalutError("invalid-request", _("What answers is no Salut daemon: {}.").format(what[:200]))


def too_large(size: int, limit: int) -> SalutError:
    """A line is longer than the protocol allows."""
    text = _("The message is too large: {} bytes, at most {} are allowed.").format(size, limit)
    return SalutError("too-large", text, {"size": size, "limit": limit})


def not_text(field: str) -> SalutError:
    """A parameter holds something that is no Unicode text (such as bytes from a command line)."""
    return invalid(field, _("Not valid Unicode text."))


def attached_already() -> SalutError:
    """A client attaches once."""
    return SalutError("invalid-request", _("This client is attached already."))


def no_opener(target: str) -> SalutError:
    """Only ``unix:`` opens itself."""
    return SalutError("invalid", _("“{}” needs an opener.").format(target), {"field": "target"})


def fault(error: BaseException) -> SalutError:
    """A fault of our own ended the connection."""
    return SalutError("internal", _("The client failed: {!r}").format(error))


def closed() -> SalutError:
    """The client was closed by its own program."""
    return SalutError("cancelled", _("This client is closed."))
