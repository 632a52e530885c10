"""Labels beside predictions, over PostgreSQL: `python -m tenfold.loadtests.benchmark.feedback`.

One model server with an inference log answers as many predictions as it can (closed loop). Then it does so again while
labels of earlier predictions come in lists (open loop: on time, whatever became of those before). Both take turns in
rounds, so that what else the machine does hits both. The server has one core, PostgreSQL and the load have the other
one, which limits predictions too: so the CPU of each stands beside their number, and the server's CPU for a prediction
tells what labels cost it. Exit codes: 0 every bar holds, 3 one broke, 1 it could not be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import psutil
import uvloop

from ...serving.inference_log.rows import served
from ...serving.inference_log.store import InferenceLog
from .. import own
from ..errors import LoadTestError, RunFailed
from ..postgres import Postgres, running_postgres
from .open_load import Seen, closed, opened
from .overload import BROKEN, LOAD_CORE, SERVER_CORE, request, save_model

MODEL = "logistic"
LISTS_AT_ONCE = 100
LEAST_RATIO, MOST_P99_SECONDS, LEAST_ON_TIME = 0.9, 0.100, 0.99
# What any database that keeps what it committed has: writes reach the disk. Large transactions logs spare checkpoints.
_POSTGRESQL = ("max_wal_size=4GB", "shared_buffers=256MB")
_DAY = datetime(2013, 1, 31, tzinfo=UTC)


@dataclass(frozen=True)
class Part:
    """Some seconds of load.

    Attributes:
        predictions: answered in a second.
        labels: taken in a second; p50 and p99 of their lists in seconds from when they were due.
        failed: lists that had another answer than 200, or found no connection.
        server, database: seconds of CPU in a second.
    """

    predictions: float
    labels: float
    p50: float
    p99: float
    failed: int
    server: float
    database: float

    @property
    def line(self) -> str:
        """For people."""
        return (
            f"{self.predictions:7.0f} predictions/s {self.labels:6.0f} labels/s (p50 {self.p50 * 1000:5.1f} ms, "
            f"p99 {self.p99 * 1000:5.1f} ms, {self.failed} lists failed), CPU: server {self.server:.0%}, "
            f"PostgreSQL {self.database:.0%}"
        )


@dataclass(frozen=True)
class Measured:
    """All rounds: parts without labels and with them."""

    rate: float
    without: list[Part]
    beside: list[Part]

    @property
    def ratios(self) -> list[float]:
        """Of each round: predictions with labels to predictions without."""
        return [b.predictions / w.predictions for w, b in zip(self.without, self.beside, strict=True)]

    @property
    def broken(self) -> list[str]:
        """The bars that broke, a sentence each."""
        ratio, p99 = median(self.ratios), median(part.p99 for part in self.beside)
        labels, failed = median(part.labels for part in self.beside), sum(part.failed for part in self.beside)
        bars = {
            f"predictions keep {ratio:.0%}, less than {LEAST_RATIO:.0%}": ratio < LEAST_RATIO,
            f"99 % of the lists take {p99 * 1000:.0f} ms, more than {MOST_P99_SECONDS * 1000:.0f}": p99
            > MOST_P99_SECONDS,
            f"{labels:.0f} labels a second were taken, {self.rate:.0f} sent": labels < LEAST_ON_TIME * self.rate,
            f"{failed} lists were not taken": failed > 0,
        }
        return [sentence for sentence, broke in bars.items() if broke]

    def lines(self) -> Iterator[str]:
        """The report."""
        for number, (without, beside) in enumerate(zip(self.without, self.beside, strict=True), 1):
            yield f"round {number}, predictions alone: {without.line}"
            yield f"round {number}, with labels:       {beside.line}"
        low, middle, high = min(self.ratios), median(self.ratios), max(self.ratios)
        yield f"predictions with labels to without: {middle:.3f} (rounds from {low:.3f} to {high:.3f})"
        alone = median(part.server / part.predictions for part in self.without)
        cost = median((part.server - alone * part.predictions) / part.labels for part in self.beside if part.labels)
        yield f"the server's CPU: {alone * 1e6:.1f} us a prediction, and {cost * 1e6:.1f} us a label"
        yield from (f"BROKEN: {sentence}" for sentence in self.broken)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say how it went."""
    options = _parser().parse_args(arguments)
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.stderr.write(f"Error: The measurement needs the cores {SERVER_CORE} and {LOAD_CORE} of this machine\n")
        return 1
    os.sched_setaffinity(0, {LOAD_CORE})  # PostgreSQL inherits it
    try:
        with TemporaryDirectory() as folder, running_postgres(_POSTGRESQL) as postgres:
            measured = _measure(Path(folder), postgres, options)
    except LoadTestError as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in measured.lines())
    if options.json:
        options.json.write_bytes(orjson.dumps(asdict(measured), option=orjson.OPT_INDENT_2))
    return BROKEN if measured.broken else 0


def _measure(folder: Path, postgres: Postgres, options: Any) -> Measured:
    rows = save_model(MODEL, folder / MODEL)
    url = postgres.new_database()
    lists = _lists(url, rows[0], int(options.rate * (options.seconds * options.rounds + 2) * 1.1), options.size)
    settings = {"NAME": MODEL, "LOG_URL": url, "DRAIN_SECONDS": "0"}
    with own.running(folder, folder / MODEL, settings, core=SERVER_CORE) as server:
        asked = request("/predict", {"rows": rows[:1]})
        found = uvloop.run(_rounds(server, postgres, asked, lists, options))
    if server.fault:
        raise RunFailed(f"The measurement says nothing: {server.fault}")
    with closing(InferenceLog(url)) as log:
        kept = log.count(MODEL).labels
    answered = sum(part.labels for part in found.beside) * options.seconds
    if kept < answered:
        raise RunFailed(f"The server took {answered:.0f} labels, and {kept} are in the log. See {server.log}")
    return found


async def _rounds(
    server: own.OwnServer, postgres: Postgres, asked: bytes, lists: Iterator[bytes], options: Any
) -> Measured:
    assert postgres.process is not None
    processes = psutil.Process(server.process.pid), psutil.Process(postgres.process.pid)
    await closed(server.port, asked, options.connections, 2)  # what comes first loads what is put off
    await opened(server.port, lists, options.rate / options.size, 1, LISTS_AT_ONCE)
    without: list[Part] = []
    beside: list[Part] = []
    for _ in range(options.rounds):
        for parts, rate in ((without, 0.0), (beside, options.rate / options.size)):
            before = [_cpu(process) for process in processes]
            predictions, labels = await asyncio.gather(
                closed(server.port, asked, options.connections, options.seconds),
                opened(server.port, lists, rate, options.seconds, LISTS_AT_ONCE),
            )
            used = [(_cpu(p) - b) / options.seconds for p, b in zip(processes, before, strict=True)]
            parts.append(_part(predictions, labels, options.size, options.seconds, *used))
    return Measured(options.rate, without, beside)


def _part(predictions: Seen, labels: Seen, size: int, seconds: float, server: float, database: float) -> Part:
    latencies = labels.latencies(200)
    p50, p99 = (latencies[int(len(latencies) * part)] if latencies else 0.0 for part in (0.5, 0.99))
    failed = len(labels.answers) - len(latencies) + labels.unsent
    return Part(predictions.count(200) / seconds, len(latencies) * size / seconds, p50, p99, failed, server, database)


def _cpu(process: psutil.Process) -> float:
    """Seconds of CPU of a process and of all that it has started, those that ended included."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    own_times = process.cpu_times()
    return total + own_times.children_user + own_times.children_system


def _lists(url: str, row: dict[str, float], labels: int, size: int) -> Iterator[bytes]:
    """Write predictions of long ago, and make requests that label each of them once."""
    ids = [_id(number) for number in range(labels)]
    with closing(InferenceLog(url)) as log:
        for start in range(0, labels, 5_000):
            some = ids[start : start + 5_000]
            when = _DAY + timedelta(seconds=start)
            log.write(served(MODEL, "1", some, when, [row] * len(some), [{"predict": 1}] * len(some)))
    order = [ids[number] for number in Random(7).sample(range(labels), labels)]  # noqa: S311
    return iter(
        [
            request("/feedback", [{"id": identity, "label": n % 2} for n, identity in enumerate(order[at : at + size])])
            for at in range(0, labels - size, size)
        ]
    )


def _id(number: int) -> str:
    """One of a prediction that was made in that millisecond of the day."""
    digits = f"{int(_DAY.timestamp() * 1000) + number:012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tenfold.loadtests.benchmark.feedback", description=__doc__)
    add = parser.add_argument
    add("--rate", type=float, default=5_000, help="labels a second (default %(default)g)")
    add("--size", type=int, default=100, help="labels in a list (default %(default)s)")
    add("--connections", type=int, default=32, help="that ask for predictions (default %(default)s)")
    add("--rounds", type=int, default=5, help="each without labels and with them (default %(default)s)")
    add("--seconds", type=float, default=10, help="of each half of a round (default %(default)g)")
    add("--json", type=Path, help="file for the result")
    return parser


if __name__ == "__main__":
    sys.exit(main())
