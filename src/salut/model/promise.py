# SPDX-License-Identifier: AGPL-3.0-or-later
"""What will be known later, for the hot road: lighter than a future of asyncio's, and as good to wait for.

A future costs a turn of the loop and a copy of the context for each callback. Of a burst of messages each is waited
for by two callbacks (the receipt, the acknowledgement), and all settle in the same turn: here they are called at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Self, cast

Callback = Callable[["Promise"], object]


class Promise:
    """Settled once, in the loop. Callbacks are called by ``settle`` itself, in the order in which they were added;
    one that comes later is called at once. What a callback raises goes to the loop's exception handler, and stops no
    other. Cancelling who waits for it does not cancel it."""

    __slots__ = ("_callbacks", "_error", "_settled", "_value")

    def __init__(self) -> None:
        self._settled = False
        self._value: object = None
        self._error: BaseException | None = None
        self._callbacks: list[Callback] | None = None

    def settle(self, value: object, error: BaseException | None = None) -> None:
        """It has come, or failed with ``error``. Only the first time counts."""
        if self._settled:
            return
        self._settled = True
        self._value, self._error = value, error
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            try:
                callback(self)
            except Exception as error:  # noqa: BLE001 -- see _failed
                self._failed(callback, error)

    def _failed(self, callback: Callback, error: Exception) -> None:
        """Told as the loop tells what a callback raises; the others go on."""
        asyncio.get_running_loop().call_exception_handler(
            {"message": f"a callback of a promise raised: {callback!r}", "exception": error}
        )

    def then(self, callback: Callback) -> Self:
        """Have ``callback(self)`` called when it is settled. Returns the promise."""
        if self._settled:
            try:
                callback(self)
            except Exception as error:  # noqa: BLE001 -- see _failed
                self._failed(callback, error)
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)
        return self

    @property
    def settled(self) -> bool:
        """Whether it has come or failed."""
        return self._settled

    @property
    def error(self) -> BaseException | None:
        """Why it failed, if it is settled and did."""
        return self._error

    def __await__(self) -> Generator[Any, None, Any]:
        if not self._settled:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.then(lambda _: None if future.done() else future.set_result(None))
            yield from future.__await__()
        if self._error is not None:
            raise self._error
        return cast("Any", self._value)
