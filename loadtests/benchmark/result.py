"""What a run measured, as plain data: every round as it was, and medians over the rounds. Written and read as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from .load import Measured

TWO_HAVE_CORES = "two processes have a core each"


@dataclass(frozen=True)
class Cell:
    """One load in one round. `workload` and `protocol` are names."""

    round: int
    server: str
    workload: str
    protocol: str
    measured: Measured

    @property
    def valid(self) -> bool:
        """Whether every request was answered, and with 200."""
        return self.measured.refused == self.measured.unanswered == 0


@dataclass(frozen=True)
class Start:
    """One start in one round.

    Attributes:
        seconds: from the start of the process to the first right answer.
        memory: MiB of all its processes after the load, shared pages counted once.
        log: where there is an inference log, its rows accepted, written and dropped when the load ended.
    """

    round: int
    server: str
    model: str
    seconds: float
    memory: float
    log: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Replicas:
    """Ten local replicas of a service in one round.

    Attributes:
        memory: MB of each, pages that they share counted once, with the process that they were forked from.
    """

    round: int
    memory: float


@dataclass(frozen=True)
class Failure:
    """What could not be measured, and why."""

    round: int
    server: str
    model: str
    reason: str


@dataclass
class Result:
    """All of a run.

    Attributes:
        machine: what it ran on, and how: names and values.
        versions: of packages, by project.
        skipped: servers that cannot be measured here, and why.
    """

    machine: dict[str, Any] = field(default_factory=dict[str, Any])
    versions: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    cells: list[Cell] = field(default_factory=list[Cell])
    starts: list[Start] = field(default_factory=list[Start])
    failures: list[Failure] = field(default_factory=list[Failure])
    replicas: list[Replicas] = field(default_factory=list[Replicas])

    @property
    def two_have_cores(self) -> bool:
        """Whether two processes of a server had each a core, and the load another."""
        return self.machine.get(TWO_HAVE_CORES) == "yes"

    def find(self, server: str, workload: str, protocol: str) -> Measured | None:
        """Medians of the rate, of each percentile and of the CPU over the valid rounds; None where there is none."""
        found = self.rounds(server, workload, protocol).values()
        if not found:
            return None
        rate = median(each.rate for each in found)
        seconds = median(each.seconds for each in found)
        return Measured(
            round(rate * seconds),
            seconds,
            median(each.p50_ms for each in found),
            median(each.p99_ms for each in found),
            cpu_us=median(each.cpu_us for each in found),
        )

    def rounds(self, server: str, workload: str, protocol: str) -> dict[int, Measured]:
        """What the valid rounds measured, by their numbers."""
        return {
            c.round: c.measured
            for c in self.cells
            if (c.server, c.workload, c.protocol) == (server, workload, protocol) and c.valid
        }

    def start(self, server: str, model: str) -> Start | None:
        """Medians of start time and memory over the rounds; None where there is none."""
        found = self.starts_of(server, model)
        if not found:
            return None
        return Start(0, server, model, median(s.seconds for s in found), median(s.memory for s in found))

    def starts_of(self, server: str, model: str) -> list[Start]:
        """One for each round."""
        return [each for each in self.starts if (each.server, each.model) == (server, model)]

    def invalid(self) -> list[Cell]:
        """Loads that do not count, since requests were refused or not answered."""
        return [cell for cell in self.cells if not cell.valid]

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))


def read(path: Path) -> Result:
    """A result that was written."""
    content = orjson.loads(path.read_bytes())
    return Result(
        content["machine"],
        content["versions"],
        content["skipped"],
        [Cell(**(each | {"measured": Measured(**each["measured"])})) for each in content["cells"]],
        [Start(**each) for each in content["starts"]],
        [Failure(**each) for each in content["failures"]],
        [Replicas(**each) for each in content["replicas"]],
    )
