# SPDX-License-Identifier: AGPL-3.0-or-later
"""The light promise of the hot road: what settles, who is told, in which order, and what an error does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from salut.model.promise import Promise


async def test_callbacks_are_called_at_once_and_in_order() -> None:
    promise = Promise()
    told: list[object] = []
    promise.then(lambda end: told.append(("first", end.error))).then(lambda _: told.append(("second", None)))
    assert not promise.settled and told == []
    promise.settle(7)
    assert promise.settled and told == [("first", None), ("second", None)]
    promise.then(lambda _: told.append(("late", None)))
    assert told[-1] == ("late", None)
    promise.settle(8, ValueError("too late"))
    assert await promise == 7 and promise.error is None and len(told) == 3


async def test_it_can_be_awaited_before_and_after_by_many() -> None:
    promise = Promise()
    waiting = asyncio.gather(promise, promise)
    await asyncio.sleep(0)
    promise.settle("here")
    assert await waiting == ["here", "here"]
    assert await promise == "here"


async def test_an_error_reaches_who_waits() -> None:
    promise = Promise()
    told: list[object] = []
    promise.then(lambda end: told.append(end.error))
    error = ValueError("no")
    promise.settle(None, error)
    assert told == [error]
    with pytest.raises(ValueError, match="no"):
        await promise


async def test_a_callback_that_raises_is_told_and_stops_no_other() -> None:
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context))
    promise = Promise()
    told: list[object] = []

    def bad(_end: Promise) -> None:
        raise RuntimeError("a bug")

    promise.then(bad).then(lambda _: told.append(1))
    promise.settle(1)
    assert told == [1] and await promise == 1
    assert isinstance(heard[0]["exception"], RuntimeError)


async def test_who_gives_up_waiting_does_not_cancel_it() -> None:
    promise = Promise()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await promise
    assert not promise.settled
    promise.settle(3)
    assert await promise == 3
