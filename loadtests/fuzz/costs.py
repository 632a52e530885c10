"""What each kind of request costs the server: processor time and memory that stays, for each byte that was sent.

Measured before the run, one request at a time: what the process used between two answers was used for the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from .exchange import Outcome
from .memory import pss
from .requests import Case
from .traffic import Traffic

# A request may cost so much whatever its size, and so much more for each MB of it. Five times what the dearest kinds cost
# here, so that a slower machine is no fault.
BASE_SECONDS, SECONDS_PER_MB = 0.05, 1.0
_SEARCHED = 4000
SHOWN = 8

Note = Callable[[Case, Outcome], None]


@dataclass
class Cost:
    """Of one kind. `dearest` is its request that cost most above what its size allows: seconds, bytes, number."""

    requests: int = 0
    seconds: float = 0.0
    sent: int = 0
    kept: float = 0.0
    dearest: tuple[float, int, int] = (0.0, 0, -1)

    @property
    def ms_per_kb(self) -> float:
        """Processor time."""
        return self.seconds * 1000 / max(self.sent / 1000, 1)

    @property
    def broken(self) -> bool:
        """Whether one of its requests cost more than is allowed."""
        return _above(*self.dearest[:2]) > 0


def _above(seconds: float, size: int) -> float:
    return seconds - BASE_SECONDS - SECONDS_PER_MB * size / 1e6


def processor_seconds(pid: int) -> float:
    """What all threads of the process have used, in seconds, by the nanosecond.

    Raises:
        OSError: there is no such process, or the system does not count it.
    """
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that has just ended
    return total / 1e9


@dataclass
class Costs:
    """Of all kinds."""

    pids: Sequence[int] = ()
    by_kind: dict[str, Cost] = field(default_factory=dict[str, Cost])

    async def measure(self, traffic: Sequence[Traffic], note: Note, rounds: int) -> None:
        """Send so many requests of each kind, one at a time."""
        if not self.pids:
            return
        for each in traffic:
            numbers = _by_kind(each)
            for turn in range(rounds + 1):  # what a kind needs only once is not counted: the first round is a warm-up
                for kind in numbers:
                    for number in islice(numbers[kind], turn, turn + 1):
                        await self._send(each, number, note, counted=turn > 0)

    async def _send(self, traffic: Traffic, number: int, note: Note, *, counted: bool) -> None:
        case = traffic.cases.make(number)
        seconds, held = self._used(), self._held()
        note(case, await traffic.carriers[0].carry_out(case))
        seconds, held = self._used() - seconds, self._held() - held
        if not counted:
            return
        cost = self.by_kind.setdefault(case.kind, Cost())
        cost.requests += 1
        cost.seconds += seconds
        cost.sent += case.size
        cost.kept += held * 2**20
        cost.dearest = max(cost.dearest, (seconds, case.size, case.number), key=lambda d: _above(*d[:2]))

    def _used(self) -> float:
        return sum(map(processor_seconds, self.pids))

    def _held(self) -> float:
        return sum(map(pss, self.pids))

    @property
    def broken(self) -> list[str]:
        """The bars that broke, a sentence each."""
        return [
            f"request {cost.dearest[2]} ({kind}) of {cost.dearest[1]} bytes took {cost.dearest[0]:.2f} s of a processor; "
            f"{BASE_SECONDS:g} s and {SECONDS_PER_MB:g} s for each MB are allowed"
            for kind, cost in self.by_kind.items()
            if cost.broken
        ]

    def lines(self) -> Iterator[str]:
        """The dearest kinds."""
        if not self.by_kind:
            return
        dear = sorted(self.by_kind.items(), key=lambda item: -item[1].seconds / (0.001 + item[1].sent / 1e6))
        yield "Processor time by kind, the dearest:"
        for kind, cost in dear[:SHOWN]:
            yield f"  {kind}: {cost.seconds * 1000 / cost.requests:.1f} ms a request, {cost.ms_per_kb:.2f} ms a kB"
        keep = sorted(self.by_kind.items(), key=lambda item: -item[1].kept)
        yield "Memory that stayed, the most: " + ", ".join(
            f"{kind}: {cost.kept / 1000:.0f} kB of {cost.sent / 1000:.0f} kB sent" for kind, cost in keep[:SHOWN]
        )

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            kind: {
                "requests": cost.requests,
                "bytes": cost.sent,
                "seconds": round(cost.seconds, 4),
                "kept_bytes": round(cost.kept),
                "dearest": {"seconds": round(cost.dearest[0], 4), "bytes": cost.dearest[1], "number": cost.dearest[2]},
            }
            for kind, cost in self.by_kind.items()
        }


def _by_kind(traffic: Traffic) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number in range(_SEARCHED):
        found.setdefault(traffic.cases.make(number).kind, []).append(number)
    return found
