# SPDX-License-Identifier: AGPL-3.0-or-later
"""Windows that misbehave, and the one that sends the frames and counts the answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from random import Random

from devkit.fuzz.frames import Contract, Frame

IN_FLIGHT = 32
"""Fewer than the bridge allows: what is refused as busy says nothing about the method."""
BURST = 200
"""Cases over one connection: each may be attached once."""
SECONDS = 40.0


class Asker:
    """Sends frames; ``failures`` gets what was not answered, or answered with an error inside the daemon."""

    def __init__(self, path: Path, contract: Contract, seed: int) -> None:
        self._path = path
        self._contract = contract
        self._seed = seed
        self.failures: list[str] = []

    async def run(self, numbers: list[int]) -> None:
        """All of them, some at a time."""
        for begin in range(0, len(numbers), BURST):
            await self._burst(numbers[begin : begin + BURST])

    async def _burst(self, numbers: list[int]) -> None:
        """Over one connection."""
        reader, writer = await asyncio.open_unix_connection(str(self._path), limit=1 << 26)
        try:
            await reader.readline()
            for begin in range(0, len(numbers), IN_FLIGHT):
                frames = [
                    (n, self._contract.frame(self._seed, n)) for n in numbers[begin : begin + IN_FLIGHT]
                ]
                writer.write(b"".join(frame.line for _, frame in frames))
                if not await self._answers(reader, frames):
                    return
        except ConnectionError as error:
            said = bytes(reader._buffer)[-300:]  # type: ignore[attr-defined]  # read() would raise the same again
            self.failures.append(f"the connection broke in cases {begin} : {error}; it said {said!r}")
        finally:
            writer.close()

    async def _answers(self, reader: asyncio.StreamReader, frames: list[tuple[int, Frame]]) -> bool:
        owed = {frame.key: number for number, frame in frames if frame.key not in (None, "none", -1)}
        deep = {number for number, frame in frames if frame.key == -1}  # answered with their id, or without
        nameless = sum(frame.key is None for _, frame in frames) + len(deep)
        last = b""
        try:
            async with asyncio.timeout(SECONDS):
                while owed or nameless:
                    line = await reader.readline()
                    if not line:
                        self.failures.append(
                            f"the connection ended before cases {sorted(owed.values())[:5]} …, after {last[-300:]!r}"
                        )
                        return False
                    last = line
                    answer = json.loads(line)
                    if "method" in answer:
                        if answer["method"] == "goodbye":
                            self.failures.append(f"good-bye at {[n for n, _ in frames]}: {answer['params']}")
                            return False
                        continue
                    key = answer["id"]
                    if key is None or key in deep:
                        nameless -= 1
                    elif (number := owed.pop(key, None)) is None:
                        self.failures.append(f"an answer that nobody waits for: {line[:200]!r}")
                        continue
                    else:
                        self._judge(number, answer)
        except TimeoutError:
            for number in sorted(owed.values()):
                self.failures.append(
                    f"case {number} unanswered: {self._contract.frame(self._seed, number).line[:300]!r}"
                )
            return False
        return True

    def _judge(self, number: int, answer: dict[str, object]) -> None:
        error = answer.get("error")
        if isinstance(error, dict) and error["data"]["code"] == "internal":
            line = self._contract.frame(self._seed, number).line[:400]
            self.failures.append(f"case {number}: {error['message']}: {line!r}")


async def rude(path: Path, random: Random) -> None:
    """One client that keeps to no protocol; whatever happens to it is all right."""
    with contextlib.suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 26)
        try:
            async with asyncio.timeout(5):
                await _misbehave(random, reader, writer)
        finally:
            writer.transport.abort()


async def _misbehave(random: Random, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = b'{"jsonrpc":"2.0","id":1,"method":"daemon.describe","params":{}}\n'
    match random.randrange(7):
        case 0:  # half a line, and gone
            writer.write(request[: random.randrange(len(request))])
            await writer.drain()
        case 1:  # byte by byte
            for byte in request:
                writer.write(bytes((byte,)))
                await writer.drain()
            await reader.readline()
            await reader.readline()
        case 2:  # many requests, and no reading
            writer.write(request * 2_000)
            await asyncio.sleep(0.3)
        case 3:  # a line over the bound
            for _ in range(20):
                writer.write(b"x" * (1 << 18))
                await writer.drain()
        case 4:  # our half closed
            writer.write(request)
            writer.write_eof()
            await reader.read()
        case 5:  # the same id again and again, attach in between
            writer.write(request.replace(b"daemon.describe", b"daemon.info") * 200)
            writer.write(b'{"jsonrpc":"2.0","id":1,"method":"attach","params":{"window":{"name":"r"}}}\n' * 5)
            for _ in range(100):
                await reader.readline()
        case _:  # attached, and deaf
            writer.write(b'{"jsonrpc":"2.0","id":1,"method":"attach","params":{"window":{"name":"deaf"}}}\n')
            await asyncio.sleep(0.3)
