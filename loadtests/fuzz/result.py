"""What came of a run: requests by protocol and code, what failed and with which request, and which bars broke."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import orjson

from .costs import Costs
from .exchange import Outcome
from .memory import Memory
from .requests import DELIBERATE, Case

MOST_GROWTH = 0.05
MOST_SHED = 0.01
# A fault that every second request meets says no more the thousandth time.
MOST_KEPT = 200


@dataclass
class Result:
    """Grows while the run goes on.

    Attributes:
        failures: file that takes the requests that failed, a JSON document a line.
    """

    memory: Memory
    failures: Path
    costs: Costs = field(default_factory=lambda: Costs())
    codes: dict[str, Counter[str]] = field(default_factory=dict[str, "Counter[str]"])
    kinds: Counter[str] = field(default_factory=Counter[str])
    bars: Counter[str] = field(default_factory=Counter[str])
    seconds: float = 0.0
    server: str = ""
    _kept: int = 0

    def note(self, case: Case, outcome: Outcome) -> None:
        """Count a case, and keep its request where it failed."""
        self.codes.setdefault(case.protocol, Counter()).update(outcome.codes)
        self.kinds[case.kind] += 1
        if outcome.bar:
            self.bars[outcome.bar] += 1
            self._keep(case, outcome)

    @property
    def requests(self) -> int:
        """How many requests were sent, answered or not."""
        return sum(sum(counts.values()) for counts in self.codes.values())

    @property
    def broken(self) -> list[str]:
        """The bars that broke, a sentence each."""
        deliberate = ", ".join(map(str, sorted(DELIBERATE)))
        sentences = {
            "failure": f"5xx beside the deliberate ones ({deliberate})",
            "unanswered": "requests without an answer",
            "wrong": "wrong answers to valid requests",
        }
        found = [f"{self.bars[bar]} {words}" for bar, words in sentences.items() if self.bars[bar]]
        valid = sum(n for kind, n in self.kinds.items() if kind.startswith("valid"))
        if self.bars["shed"] > MOST_SHED * valid:
            found.append(f"{self.bars['shed']} of {valid} valid requests were put off (408, 503, 504)")
        found += self.costs.broken
        growth = self.memory.growth
        if growth is not None and growth > MOST_GROWTH:
            found.append(f"memory grew by {growth:.1%}, more than {MOST_GROWTH:.0%}")
        return [*found, self.server] if self.server else found

    def lines(self) -> Iterator[str]:
        """The report."""
        rate = self.requests / self.seconds if self.seconds else 0.0
        yield f"{self.requests} requests in {self.seconds:.0f} s ({rate:.0f} a second)"
        for protocol, counts in sorted(self.codes.items()):
            yield f"  {protocol:<10} " + ", ".join(f"{code}: {n}" for code, n in sorted(counts.items()))
        yield "What was sent: " + ", ".join(f"{kind}: {n}" for kind, n in sorted(self.kinds.items()))
        if self.memory.ends is not None:
            before, after = self.memory.ends
            yield f"Memory (PSS): {before:.1f} MiB after {self.memory.warm_up:.0f} s, {after:.1f} MiB at the end"
            yield "  " + ", ".join(f"{at} s: {mib}" for at, mib in self.memory.series())
        else:
            yield "Memory was not measured; --pid says of which process, and it takes longer than the warm-up"
        yield from self.costs.lines()
        if self._kept:
            yield f"The requests that failed are in {self.failures}"
        for sentence in self.broken:
            yield f"BROKEN: {sentence}"
        if not self.broken:
            yield "Every bar holds"

    def document(self) -> dict[str, Any]:
        """The result for programs."""
        return {
            "requests": self.requests,
            "seconds": round(self.seconds, 1),
            "codes": {protocol: dict(counts) for protocol, counts in self.codes.items()},
            "kinds": dict(self.kinds),
            "failed": dict(self.bars),
            "memory_mib": self.memory.samples,
            "memory_growth": self.memory.growth,
            "costs": self.costs.document(),
            "broken": self.broken,
        }

    def write(self, out: TextIO) -> None:
        """Print the report."""
        out.writelines(f"{line}\n" for line in self.lines())
        out.flush()

    def _keep(self, case: Case, outcome: Outcome) -> None:
        if self._kept >= MOST_KEPT:
            return
        kept: dict[str, Any] = {
            "number": case.number,
            "protocol": case.protocol,
            "kind": case.kind,
            "wrong": outcome.wrong,
            "codes": outcome.codes,
            "answer": outcome.said.decode(errors="replace"),
            "shown": b"".join(case.pieces)[:2000].decode("latin-1"),
            "sent": [base64.b64encode(piece).decode() for piece in case.pieces],
        }
        with self.failures.open("ab" if self._kept else "wb") as file:
            file.write(orjson.dumps(kept) + b"\n")
        self._kept += 1
