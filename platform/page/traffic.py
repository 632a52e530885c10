"""Requests and errors per second over the last minutes, from counters that only ever grow.

The board adds a sample with every status that it reads; the view asks for the rates. What is kept is a few minutes
of counters in memory: a page server that starts anew starts a new curve, and nothing else is lost.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ..target import Traffic

WINDOW = 600  # seconds
STEP = 5  # seconds


@dataclass(frozen=True)
class Rates:
    """Per second, in steps of `step` seconds of which the first begins at `start` (epoch seconds).

    Every list has the same length; None where nothing was known yet.
    """

    start: int
    step: int
    requests: dict[str, list[float | None]] = field(default_factory=dict[str, "list[float | None]"])
    errors: list[float | None] = field(default_factory=list["float | None"])


@dataclass(frozen=True)
class _Curve:
    """A counter's growth since the first sample; falls back to zero (a service that began anew) are bridged."""

    times: list[float]
    sums: list[float]

    def at(self, time: float) -> float:
        """The growth at `time`, between two samples on the straight line."""
        i = bisect_right(self.times, time)
        if i == 0:
            return self.sums[0]
        if i == len(self.times):
            return self.sums[-1]
        before, after = self.times[i - 1], self.times[i]
        share = (time - before) / (after - before)
        return self.sums[i - 1] + share * (self.sums[i] - self.sums[i - 1])


class TrafficHistory:
    """The samples of one service, oldest first, of the last `WINDOW` seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, dict[str, tuple[int, int]]]] = deque()

    def add(self, time: float, traffic: Iterable[Traffic]) -> None:
        """Note the counters as they are at `time` (epoch seconds); a clock that jumped back starts a new curve."""
        if self._samples and time <= self._samples[-1][0]:
            if time == self._samples[-1][0]:
                return
            self._samples.clear()
        known = self._samples[-1][1] if self._samples else {}
        self._samples.append((time, known | {t.version: (t.requests, t.errors) for t in traffic}))
        while self._samples[0][0] < time - WINDOW - 2 * STEP:
            self._samples.popleft()

    def rates(self) -> Rates | None:
        """The rates in whole steps up to the newest sample; None before there are two samples."""
        if len(self._samples) < 2:
            return None
        times = [time for time, _ in self._samples]
        end = int(times[-1] // STEP) * STEP
        edges = range(end - WINDOW, end + 1, STEP)
        versions = list(dict.fromkeys(v for _, counts in self._samples for v in counts))

        def curve(of: int, versions: Sequence[str]) -> list[float | None]:
            return _steps(_curve(times, [[c.get(v, (0, 0))[of] for v in versions] for _, c in self._samples]), edges)

        return Rates(
            start=edges[0],
            step=STEP,
            requests={v: curve(0, [v]) for v in versions},
            errors=curve(1, versions),
        )


def _curve(times: list[float], counters: list[list[int]]) -> _Curve:
    """The growth of several counters together."""
    sums = [0.0]
    for old, new in pairwise(counters):
        sums.append(sums[-1] + sum(n - o if n >= o else n for o, n in zip(old, new, strict=True)))
    return _Curve(times, sums)


def _steps(curve: _Curve, edges: range) -> list[float | None]:
    return [
        round((curve.at(right) - curve.at(left)) / (right - left), 3) if left >= curve.times[0] else None
        for left, right in pairwise(edges)
    ]
