"""What each kind of request costs the server: processor time and memory that stays, for each byte that was sent.

Measured before the run, one request at a time: what the process used between two answers was used for the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from .exchange import Outcome
from .memory import pss
from .requests import Case
from .traffic import Traffic

# A request may cost so much whatever its size, and so much more for each MB of it: two to three times what the dearest
# kinds cost here, so that a slower machine is not a fault.
BASE_SECONDS, SECONDS_PER_MB = 0.5, 1.0
# What a request of so few bytes costs says nothing of a cost by size.
_SMALL = 10_000
_SEARCHED = 1500
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
    def ms_per_request(self) -> float:
        """Processor time, on average."""
        return self.seconds * 1000 / self.requests


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
        allowed = f"{BASE_SECONDS:g} s and {SECONDS_PER_MB:g} s for each MB are allowed"
        return [
            f"request {number} ({kind}) of {size} bytes took {seconds:.2f} s of a processor; {allowed}"
            for kind, (seconds, size, number) in ((kind, cost.dearest) for kind, cost in self.by_kind.items())
            if _above(seconds, size) > 0
        ]

    def lines(self) -> Iterator[str]:
        """The dearest kinds."""
        if not self.by_kind:
            return
        large = {kind: cost for kind, cost in self.by_kind.items() if cost.sent > _SMALL * cost.requests}
        yield "Processor time of a request, the dearest: " + _first(
            self.by_kind, lambda cost: cost.seconds / cost.requests, lambda cost: f"{cost.ms_per_request:.1f} ms"
        )
        yield "Processor time of a kB, the dearest: " + _first(
            large, lambda cost: cost.ms_per_kb, lambda cost: f"{cost.ms_per_kb:.3f} ms"
        )
        yield "Memory that stayed of a byte, the most: " + _first(
            large, lambda cost: cost.kept / cost.sent, lambda cost: f"{cost.kept / cost.sent:.2f} bytes"
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


def _first(costs: Mapping[str, Cost], order: Callable[[Cost], float], said: Callable[[Cost], str]) -> str:
    dearest = sorted(costs.items(), key=lambda item: -order(item[1]))[:SHOWN]
    return ", ".join(f"{kind}: {said(cost)}" for kind, cost in dearest)


def _by_kind(traffic: Traffic) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number in range(_SEARCHED):
        found.setdefault(traffic.cases.make(number).kind, []).append(number)
    return found
