"""What a model server does with twice the load that it can carry: `python -m tenfold.loadtests.benchmark.overload`.

Finds the most requests a second that are answered (goodput) in a closed loop, sends twice as many in an open loop, and
looks at what is still answered, how soon the rest is refused, what memory it takes, and how soon it is over. The server
runs on one core and the load on another. Exit codes: 0 every bar holds, 3 one broke, 1 it could not be measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import uvloop

from .. import own
from ..errors import LoadTestError, RunFailed
from ..fuzz.memory import pss
from . import fit
from .open_load import Seen, closed, opened
from .protocols import NAMES

BROKEN = 3
SERVER_CORE, LOAD_CORE = 0, 1
# Rows in a request, by model. The logistic regression answers single rows sooner than one core can send twice as many.
MODELS = {"forest-100": 1, "forest-300": 1, "logistic": 100}
WAITING_REQUESTS = 64
LADDER = (16, 32, 64)
# Much more than the server lets wait: the others are on their way, or free.
CONNECTIONS = 1000
# The first time that so many clients come takes memory that is used again the next time.
FIRST_SECONDS = 3.0
LEAST_GOODPUT, MOST_REFUSAL_SECONDS, MOST_GROWTH, MOST_RECOVERY_SECONDS = 0.9, 0.020, 0.05, 1.0
# As usual: within three times the slowest twentieth of a server that nobody else asks.
NORMAL_TIMES, NORMAL_IN_A_ROW = 3, 10


@dataclass(frozen=True)
class Measured:
    """One model under twice its load.

    Attributes:
        peak, goodput, offered, refused: requests a second, of the closed loop and of the open one.
        others: answers that were neither 200 nor 503, or none; `unsent` had no connection left.
        refusal_p99, good_p99: seconds from when a request was due.
        memory: MiB (PSS) of the server before and after.
        recovery: seconds from the end of the load until it answers as it did before.
    """

    model: str
    peak: float
    connections: int
    offered: float
    goodput: float
    refused: float
    others: int
    unsent: int
    refusal_p99: float
    good_p99: float
    memory: tuple[float, float]
    recovery: float

    @property
    def broken(self) -> list[str]:
        """The bars that broke, a sentence each."""
        growth = self.memory[1] / self.memory[0] - 1
        bars = {
            f"goodput is {self.goodput / self.peak:.0%} of its peak, less than {LEAST_GOODPUT:.0%}": self.goodput
            < LEAST_GOODPUT * self.peak,
            f"99 % of the refusals take {self.refusal_p99 * 1000:.1f} ms, more than {MOST_REFUSAL_SECONDS * 1000:g} ms":
            self.refusal_p99 > MOST_REFUSAL_SECONDS,
            f"memory grew by {growth:.1%}, more than {MOST_GROWTH:.0%}": growth > MOST_GROWTH,
            f"it takes {self.recovery:.2f} s to recover, more than {MOST_RECOVERY_SECONDS:g} s": self.recovery
            > MOST_RECOVERY_SECONDS,
            f"{self.others} requests had another answer than 200 or 503, or none": self.others > 0,
        }  # fmt: skip
        return [sentence for sentence, broke in bars.items() if broke]

    def lines(self) -> Iterator[str]:
        """The report."""
        yield f"{self.model}: at most {self.peak:.0f} answers a second, by {self.connections} connections"
        yield f"  offered {self.offered:.0f} a second ({self.unsent} of them not sent)"
        good, refusal = self.good_p99 * 1000, self.refusal_p99 * 1000
        yield f"  answered {self.goodput:.0f} a second ({self.goodput / self.peak:.0%}), p99 {good:.1f} ms"
        yield f"  refused {self.refused:.0f} a second, p99 {refusal:.1f} ms; otherwise: {self.others}"
        yield "  memory {:.1f} MiB before, {:.1f} MiB after".format(*self.memory)
        yield f"  as usual {self.recovery:.2f} s after the end"
        yield from (f"  BROKEN: {sentence}" for sentence in self.broken)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say how it went."""
    options = _parser().parse_args(arguments)
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.stderr.write(f"Error: The measurement needs the cores {SERVER_CORE} and {LOAD_CORE} of this machine\n")
        return 1
    os.sched_setaffinity(0, {LOAD_CORE})
    found: list[Measured] = []
    try:
        for name in options.models:
            with TemporaryDirectory() as folder:
                found.append(_measure(name, Path(folder), options))
            sys.stdout.writelines(f"{line}\n" for line in found[-1].lines())
            sys.stdout.flush()
    except LoadTestError as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    if options.json:
        options.json.write_bytes(orjson.dumps([asdict(each) for each in found], option=orjson.OPT_INDENT_2))
    return BROKEN if any(each.broken for each in found) else 0


def _measure(name: str, folder: Path, options: Any) -> Measured:
    rows = MODELS[name]
    asked = request("/predict", {"rows": save_model(name, folder / name)[:rows]})
    settings = {"NAME": name, "MAX_WAITING_ROWS": str(options.waiting * rows), "DRAIN_SECONDS": "0"}
    with own.running(folder, folder / name, settings, core=SERVER_CORE) as server:
        found = uvloop.run(_overload(name, server, asked, options.seconds))
    if server.fault:
        raise RunFailed(f"The measurement says nothing: {server.fault}")
    return found


async def _overload(name: str, server: own.OwnServer, request: bytes, seconds: float) -> Measured:
    port = server.port
    await closed(port, request, 16, 1)  # the first requests load what the model puts off
    alone = (await closed(port, request, 1, 1)).latencies(200)
    if not alone:
        raise RunFailed(f"The server of {name} answers no request; see what it wrote into {server.log}")
    usual = alone[int(len(alone) * 0.95)] * NORMAL_TIMES
    peaks: dict[int, float] = {}
    for connections in LADDER:
        peaks[connections] = (await closed(port, request, connections, seconds / 2)).count(200) / (seconds / 2)
    connections = max(peaks, key=lambda n: peaks[n])
    rate = 2 * peaks[connections]
    await opened(port, repeat(request), rate, FIRST_SECONDS, CONNECTIONS)
    await _recovery(port, request, usual)
    before = pss(server.process.pid)
    seen = await opened(port, repeat(request), rate, seconds, CONNECTIONS)
    recovery = await _recovery(port, request, usual)
    return Measured(
        model=name,
        peak=peaks[connections],
        connections=connections,
        offered=rate,
        goodput=seen.count(200) / seconds,
        refused=seen.count(503) / seconds,
        others=len(seen.answers) - seen.count(200) - seen.count(503),
        unsent=seen.unsent,
        refusal_p99=_p99(seen, 503),
        good_p99=_p99(seen, 200),
        memory=(before, pss(server.process.pid)),
        recovery=recovery,
    )


async def _recovery(port: int, request: bytes, usual: float) -> float:
    """Seconds until one client gets answers as soon as it usually does, several in a row."""
    started = time.monotonic()
    in_a_row, since = 0, 0.0
    while in_a_row < NORMAL_IN_A_ROW:
        if time.monotonic() - started > 60:
            return 60.0
        seen = await closed(port, request, 1, 0.02 + usual)
        for due, took, status in seen.answers:
            if status != 200 or took > usual:
                in_a_row = 0
                continue
            since = due - started if in_a_row == 0 else since
            in_a_row += 1
    return since


def _p99(seen: Seen, status: int) -> float:
    latencies = seen.latencies(status)
    return latencies[int(len(latencies) * 0.99)] if latencies else 0.0


def save_model(name: str, folder: Path) -> list[dict[str, float]]:
    """Fit and write one of `MODELS`; returns rows of it."""
    import pandas as pd

    X, y = fit.data(fit.FITTED_ROWS)
    table = pd.DataFrame(X, columns=NAMES)
    own.save(fit.make(name).fit(table, y), table.head(), folder)
    return [{str(column): float(value) for column, value in row.items()} for row in table.head(100).to_dict("records")]


def request(path: str, document: Any) -> bytes:
    """A POST of a JSON document, as it goes over the wire."""
    body = orjson.dumps(document)
    head = f"POST {path} HTTP/1.1\r\nHost: tenfold\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tenfold.loadtests.benchmark.overload", description=__doc__)
    add = parser.add_argument
    add("--models", nargs="+", choices=MODELS, default=[*MODELS], help="which, one after the other (default: all)")
    add("--seconds", type=float, default=20, help="of the overload, and twice of the search (default %(default)g)")
    add(
        "--waiting", type=int, default=WAITING_REQUESTS, help="requests that the server lets wait (default %(default)s)"
    )
    add("--json", type=Path, help="file for the result")
    return parser


if __name__ == "__main__":
    sys.exit(main())
