"""The run: several connections at once, each taking the next number, and never more requests a second than allowed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

from .result import Result
from .traffic import Carrier, Maker, Traffic


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


async def fuzz(traffic: Sequence[Traffic], result: Result, seconds: float) -> None:
    """Send cases for so long, and note what comes of them."""
    watch = asyncio.create_task(result.memory.watch())
    started = time.monotonic()
    paces = [Pace(each.rate, seconds) for each in traffic]
    try:
        await asyncio.gather(
            *(
                _work(each.cases, carrier, pace, result)
                for each, pace in zip(traffic, paces, strict=True)
                for carrier in each.carriers
            )
        )
    finally:
        result.seconds = time.monotonic() - started
        watch.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await watch


async def send(traffic: Traffic, number: int, result: Result) -> None:
    """Send that one case."""
    case = traffic.cases.make(number)
    result.note(case, await traffic.carriers[0].carry_out(case))
    for carrier in traffic.carriers:
        await carrier.close()


async def _work(cases: Maker, carrier: Carrier, pace: Pace, result: Result) -> None:
    try:
        while (number := await pace.next()) is not None:
            case = cases.make(number)
            result.note(case, await carrier.carry_out(case))
    finally:
        await carrier.close()
