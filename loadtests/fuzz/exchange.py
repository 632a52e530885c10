"""Sends one case over a connection, piece by piece, and reads every answer that is due.

Reads HTTP by itself: a client library would repair what is broken, and never send what is.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from .requests import SHED, Answer, Case, refused

# A head or a line of chunks that is longer is no answer of this server.
LIMIT = 2**20
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        codes: of the answers; "left" where the client went away.
        wrong: what is wrong, and of which kind; None when nothing is.
    """

    codes: tuple[str, ...]
    wrong: str = ""
    bar: Literal["", "failure", "unanswered", "wrong", "shed"] = ""
    said: bytes = b""


class Unanswered(Exception):
    """The connection ended, or nothing came for too long, before an answer was whole."""


class Connection:
    """One connection after the other to the same server, each kept as long as both sides wish."""

    def __init__(self, host: str, port: int, patience: float) -> None:
        self._host, self._port, self._patience = host, port, patience
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def carry_out(self, case: Case) -> Outcome:
        """Send it, and look at what comes back."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._carry_out(case)
        except (Unanswered, TimeoutError) as e:
            await self.close()
            if case.cut_off and isinstance(e.__cause__, ConnectionError):
                return Outcome(("cut off",))
            why = str(e) or f"no answer for {self._patience:g} s"
            return Outcome(("none",), why, "unanswered")

    async def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _carry_out(self, case: Case) -> Outcome:
        reader, writer = await self._open()
        for piece in case.pieces:
            # A server that has refused the head may close before the rest is sent; its answer is there to be read.
            with suppress(ConnectionError):
                writer.write(piece)
                await writer.drain()
            if case.pause:
                await asyncio.sleep(case.pause)
        if case.ending in ("leave", "reset"):
            if case.ending == "reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            await self.close()
            return Outcome(("left",))
        outcome = await self._answers(case, reader, writer)
        if case.ending == "close":
            await self.close()
        return outcome

    async def _answers(self, case: Case, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Outcome:
        codes: list[str] = []
        answer: Answer | None = None
        for check in case.checks:
            answer = await _answer(reader, bodiless=case.bodiless)
            codes.append(str(answer.status))
            if wrong := check(answer):
                await self.close()
                return _judged(case, codes, answer, wrong)
            if answer.last:
                # Those behind it in a pipeline are the client's to send again.
                await self.close()
                return Outcome(tuple(codes))
        if case.then and answer and (more := case.then(answer)):
            raw, check = more
            writer.write(raw)
            answer = await _answer(reader, bodiless=False)
            codes.append(str(answer.status))
            if answer.last:
                await self.close()
            if wrong := check(answer):
                return _judged(case, codes, answer, wrong)
        return Outcome(tuple(codes))

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            try:
                self._streams = await asyncio.open_connection(self._host, self._port, limit=LIMIT)
            except OSError as e:
                raise Unanswered(f"nobody takes a connection ({e.strerror or e})") from e
        return self._streams


def _judged(case: Case, codes: list[str], answer: Answer, wrong: str) -> Outcome:
    shed = case.valid and answer.status in SHED and not refused(answer)
    bar = "shed" if shed else "failure" if answer.status >= 500 else "wrong"
    return Outcome(tuple(codes), wrong, bar, answer.body[:2000])


async def _answer(reader: asyncio.StreamReader, *, bodiless: bool) -> Answer:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            start, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            status = int(start.split(" ")[1])
            if status >= 200:
                break
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if bodiless or status in (204, 304):
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, await _chunks(reader))
        return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))
    except (asyncio.IncompleteReadError, ConnectionError) as e:
        raise Unanswered(f"the connection ended before the answer was whole ({type(e).__name__})") from e
    except (ValueError, KeyError, IndexError, asyncio.LimitOverrunError) as e:
        raise Unanswered(f"what came is not an HTTP response ({type(e).__name__}: {e})") from e


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body
