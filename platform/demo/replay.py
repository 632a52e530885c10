"""The simulated clock: each flight is a request at its scheduled time, each landing a label, each midnight a night.

Middle step of the demo, between the platform that runs and the report. Promises:
- Flights are asked about one by one in order of departure, a few at a time; their labels follow when they have landed.
- A night starts at midnight, when all labels of the day that can be known are in, and the next day's requests go on
  meanwhile, so that a rollout happens under traffic. The following midnight waits for it.
- A failed request is counted and not repeated: the client must be one without retries.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from math import log
from typing import Generic, Protocol, TypeVar

from ...serving.client import AsyncClient, ClientError
from .flights import Flight, midnight


class Ended(Protocol):
    """What the replay shows of a night's result; it passes on the whole."""

    @property
    def outcome(self) -> str: ...


N = TypeVar("N", bound=Ended)

CONCURRENCY = 8  # Requests under way at once.
TELL_EVERY = timedelta(minutes=30)  # Simulated time between two deliveries of labels.
# While a night is under way, requests come the slower the fewer flights of the day are left: half of them are left
# after this long, a quarter after twice as long. So they outlast the night, however long its rollout takes.
# As soon as it is over, the rest of the day follows as fast as the service answers.
HALF_LIFE_SECONDS = 8.0
LATE = 1  # Column of the probabilities: the classes are 0 and 1.


@dataclass(frozen=True)
class Day:
    """What happened in truth."""

    date: date
    flights: Sequence[Flight]


@dataclass(frozen=True)
class Answered:
    """What the service said about one flight."""

    probability: float
    version: str
    seconds: float


@dataclass(frozen=True)
class Played(Generic[N]):
    """One day as it went."""

    day: Day
    answers: Sequence[Answered | None]
    """One per flight; None where the request failed."""
    requests: int
    """Predictions and deliveries of labels."""
    failed: int
    night: N
    """What the retraining of the midnight after it came to."""


@dataclass
class Tally:
    """The state of the replay for whoever watches it."""

    date: date | None = None
    progress: float = 0.0
    """Days that are over, and the share of the present one."""
    predictions: int = 0
    requests: int = 0
    failed: int = 0
    refused_labels: int = 0
    version: str = ""
    outcome: str = ""
    """Of the last night that is over."""
    failures: list[str] = field(default_factory=list[str])
    """The first few reasons."""

    def fail(self, reason: str) -> None:
        self.failed += 1
        if len(self.failures) < 5:
            self.failures.append(reason)


class Replay(Generic[N]):
    """Plays days against a running service; `watch` is called with the tally before every prediction."""

    def __init__(
        self,
        client: AsyncClient,
        retrain: Callable[[date], N],
        *,
        concurrency: int = CONCURRENCY,
        half_life_seconds: float = HALF_LIFE_SECONDS,
        watch: Callable[[Tally], None] = lambda _: None,
    ) -> None:
        self.tally = Tally()
        self._client = client
        self._retrain = retrain
        self._watch = watch
        self._concurrency = concurrency
        self._half_life_seconds = half_life_seconds
        self._airborne: list[tuple[datetime, int, str, int]] = []
        self._order = count()

    async def run(self, days: Sequence[Day]) -> list[Played[N]]:
        """Play `days` in order. A night that raises ends the replay with its exception."""
        halves: list[tuple[Day, list[Answered | None], int, int]] = []
        nights: list[N] = []
        night: asyncio.Task[N] | None = None
        try:
            for number, day in enumerate(days):
                self.tally.date = day.date
                requests, failed = self.tally.requests, self.tally.failed
                answers = await self._play(day, night, number)
                if night is not None:
                    nights.append(await night)
                await self._tell(midnight(day.date + timedelta(days=1)))
                halves.append((day, answers, self.tally.requests - requests, self.tally.failed - failed))
                night = asyncio.create_task(self._night(day.date))
            if night is not None:
                nights.append(await night)
        finally:
            if night is not None:  # nobody asks any more how it ended
                night.cancel()
                await asyncio.gather(night, return_exceptions=True)
        return [Played(*half, night) for half, night in zip(halves, nights, strict=True)]

    async def _night(self, day: date) -> N:
        result = await asyncio.to_thread(self._retrain, day)
        self.tally.outcome = result.outcome
        return result

    async def _play(self, day: Day, night: asyncio.Task[N] | None, number: int) -> list[Answered | None]:
        answers: list[Answered | None] = [None] * len(day.flights)
        flights = iter(enumerate(day.flights))
        pace = _Pace(len(day.flights), self._half_life_seconds, night)
        told = midnight(day.date)

        async def worker(flights: Iterator[tuple[int, Flight]]) -> None:
            nonlocal told
            for i, flight in flights:
                await pace.turn()
                self.tally.progress = number + i / len(day.flights)
                answers[i] = await self._ask(flight)
                if flight.scheduled >= told + TELL_EVERY:
                    told = flight.scheduled
                    await self._tell(told)

        async with asyncio.TaskGroup() as workers:
            for _ in range(self._concurrency):
                workers.create_task(worker(flights))
        return answers

    async def _ask(self, flight: Flight) -> Answered | None:
        started = time.perf_counter()
        self.tally.requests += 1
        self.tally.predictions += 1
        self._watch(self.tally)
        try:
            answer = await self._client.predict([flight.row], outputs=["predict_proba"], event_time=flight.scheduled)
        except ClientError as e:
            self.tally.fail(str(e))
            return None
        seconds = time.perf_counter() - started
        self.tally.version = answer.model.version
        if flight.landed is not None and flight.late is not None:
            heapq.heappush(self._airborne, (flight.landed, next(self._order), answer.ids[0], flight.late))
        return Answered(float(answer.outputs["predict_proba"][0][LATE]), answer.model.version, seconds)

    async def _tell(self, now: datetime) -> None:
        """Send the labels of all flights that have landed by `now`."""
        landed: dict[str, int] = {}
        while self._airborne and self._airborne[0][0] < now:
            _, _, id_, late = heapq.heappop(self._airborne)
            landed[id_] = late
        if not landed:
            return
        self.tally.requests += 1
        try:
            receipt = await self._client.feedback(landed, event_time=now)
        except ClientError as e:
            self.tally.fail(str(e))
            return
        self.tally.refused_labels += sum(r.status in {"unknown", "invalid"} for r in receipt.results)


class _Pace:
    """Lets requests go at a rate that falls with the number that is left, and freely once the night is over."""

    def __init__(self, requests: int, half_life: float, night: asyncio.Task[N] | None) -> None:
        self._left = requests
        self._mean_life = half_life / log(2)
        self._night = night
        self._next = time.monotonic()

    async def turn(self) -> None:
        if self._night is None or self._night.done():
            return
        mine = max(self._next, time.monotonic())
        self._next = mine + self._mean_life / max(1, self._left)
        self._left -= 1
        await asyncio.wait({self._night}, timeout=mine - time.monotonic())
