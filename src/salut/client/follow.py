# SPDX-License-Identifier: AGPL-3.0-or-later
"""Following changes with the light face, over cuts and restarts of the daemon: what ``jp watch`` needs."""

from __future__ import annotations

from time import sleep

from salut.client import wire
from salut.model.errors import SalutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from salut.client.lines import Parsed

    Resume = dict[str, tuple[str, int]]

FIRST_WAIT = 0.05  # seconds before the first new attempt
LONGEST_WAIT = 5.0
FOR_GOOD = ("kicked", "denied", "protocol")  # goodbyes after which nobody should come back


def follow(
    params: Mapping[str, Any],
    *,
    path: str | None = None,
    start: bool = True,
    lost: Callable[[SalutError, float], None] | None = None,
) -> Iterator[tuple[str, Parsed]]:
    """Attach with ``params`` (``salut.api.wire.AttachParams`` as a dict) and yield what the daemon tells.

    ``("attach", Attached)`` at first and after each cut, then ``("changes" | "passing" | "start", params)``.
    After a cut it attaches again, from the last change that was yielded; ``lost(reason, seconds)`` is called
    before each wait. Each change of a journal comes once and in order. Raises ``SalutError``: that of the
    first connection; the daemon's refusal; ``no-daemon`` when the window was kicked.
    """
    resume: Resume = {name: tuple(place) for name, place in (params.get("resume") or {}).items()}
    connection = wire.connect(path, start=start)
    wait = FIRST_WAIT
    while True:
        try:
            with connection:
                for told in _attached(connection, {**params, "resume": resume}, resume):
                    yield told
                    wait = FIRST_WAIT
        except SalutError as error:
            if error.code != "no-daemon" or error.data.get("goodbye") in FOR_GOOD:
                raise
            restart = start and error.data.get("goodbye") != "stopping"
            connection = _again(path, restart, error, wait, lost)
            wait = min(wait * 2, LONGEST_WAIT)


def _attached(connection: wire.Connection, params: Parsed, resume: Resume) -> Iterator[tuple[str, Parsed]]:
    """One connection's news; ``resume`` is kept up to date."""
    attached = connection.request("attach", params)
    resume.clear()
    for begun in attached["journals"]:
        _start(resume, begun)
    yield "attach", attached
    for method, told in connection.notifications():
        if method == "changes":
            _count(resume, told)
        elif method == "start":
            _start(resume, told)
        yield method, told


def _start(resume: Resume, begun: Parsed) -> None:
    if begun.get("reset") == "gone":
        resume.pop(begun["journal"], None)
    else:
        epoch, seq = begun["position"]
        resume[begun["journal"]] = (epoch, seq)


def _count(resume: Resume, told: Parsed) -> None:
    """Move on; a gap or a repeat ends the connection, and the next one begins where this was right."""
    epoch, seq = resume.get(told["journal"], ("", -1))
    for change in told["changes"]:
        seq += 1
        if change["seq"] != seq:
            from salut.client import troubles

            raise troubles.cut(f"{told['journal']}: {change['seq']} ≠ {seq}")
    resume[told["journal"]] = (epoch, seq)


def _again(
    path: str | None,
    start: bool,
    error: SalutError,
    wait: float,
    lost: Callable[[SalutError, float], None] | None,
) -> wire.Connection:
    while True:
        if lost is not None:
            lost(error, wait)
        sleep(wait)
        try:
            return wire.connect(path, start=start)
        except SalutError as again:
            if again.code != "no-daemon":
                raise
            error = again
            wait = min(wait * 2, LONGEST_WAIT)
