"""What a server's process holds while it is fuzzed, sampled, and how much it grew.

Its share (PSS) of anonymous memory alone: that of its libraries depends on who else has loaded them.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression

SAMPLE_SECONDS = 2.0


def pss(pid: int) -> float:
    """MiB that the process holds and no file does, pages that it shares with others divided among them.

    Raises:
        OSError: there is no such process, or it is another user's.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss_Anon: +(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


@dataclass
class Memory:
    """Samples of one or several processes together: seconds since the start, MiB."""

    pids: Sequence[int]
    warm_up: float
    samples: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    async def watch(self) -> None:
        """Sample for ever."""
        started = time.monotonic()
        while self.pids:
            self.samples.append((time.monotonic() - started, sum(map(pss, self.pids))))
            await asyncio.sleep(SAMPLE_SECONDS)

    @property
    def ends(self) -> tuple[float, float] | None:
        """MiB after the warm-up and at the end; None when nothing was measured after it.

        Those of a straight line through all samples: a single large body moves a sample by several percent.
        """
        warm = [(at, mib) for at, mib in self.samples if at >= self.warm_up]
        if len(warm) < 2:
            return None
        slope, height = linear_regression(*zip(*warm, strict=True))
        return height + slope * warm[0][0], height + slope * warm[-1][0]

    @property
    def growth(self) -> float | None:
        """How much it grew after the warm-up, 0.05 for 5 %; None when that was not measured."""
        return None if self.ends is None else self.ends[1] / self.ends[0] - 1

    def series(self, count: int = 12) -> list[tuple[int, float]]:
        """Some samples, evenly spread: second, MiB."""
        step = max(1, len(self.samples) // count)
        return [(round(at), round(mib, 1)) for at, mib in self.samples[::step]]
