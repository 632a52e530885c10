"""The run: several connections at once, each taking the next number, and never more requests a second than allowed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from .exchange import Outcome
from .requests import Case
from .result import Result


class Carrier(Protocol):
    """What sends cases: a connection."""

    async def carry_out(self, case: Case) -> Outcome:
        """Send it, and look at what comes back."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class Maker(Protocol):
    """What makes cases."""

    def make(self, number: int) -> Case:
        """Case `number`, the same every time."""
        ...


@dataclass(frozen=True)
class Lane:
    """Cases, the connections that share them, and how many of them there are a second at most."""

    cases: Maker
    carriers: Sequence[Carrier]
    rate: float


class Pace:
    """Numbers, at most `rate` of them a second, for `seconds`."""

    def __init__(self, rate: float, seconds: float) -> None:
        self._rate, self._started = rate, time.monotonic()
        self._until = self._started + seconds
        self._numbers = count()

    async def next(self) -> int | None:
        """The next number when it is its time; None when the time is over."""
        number = next(self._numbers)
        at = self._started + number / self._rate
        if at > self._until:
            return None
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        return number if time.monotonic() < self._until else None


async def fuzz(lanes: Sequence[Lane], result: Result, seconds: float) -> None:
    """Send cases for so long, and note what comes of them."""
    watch = asyncio.create_task(result.memory.watch())
    started = time.monotonic()
    paces = [Pace(lane.rate, seconds) for lane in lanes]
    try:
        await asyncio.gather(
            *(
                _work(lane.cases, carrier, pace, result)
                for lane, pace in zip(lanes, paces, strict=True)
                for carrier in lane.carriers
            )
        )
    finally:
        result.seconds = time.monotonic() - started
        watch.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await watch


async def send(lane: Lane, number: int, result: Result) -> None:
    """Send that one case."""
    case = lane.cases.make(number)
    result.note(case, await lane.carriers[0].carry_out(case))
    for carrier in lane.carriers:
        await carrier.close()


async def _work(cases: Maker, carrier: Carrier, pace: Pace, result: Result) -> None:
    try:
        while (number := await pace.next()) is not None:
            case = cases.make(number)
            result.note(case, await carrier.carry_out(case))
    finally:
        await carrier.close()
