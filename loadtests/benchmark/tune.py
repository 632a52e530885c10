"""A peer's best configuration: `python -m tenfold.loadtests.benchmark.tune mosec`.

Measures it with every size of a batch and every wait, each workload in each round, and prints what it carried. What is
best stands in `servers.py`, with the reason; the table in docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from . import launches
from .__main__ import asked, run
from .environments import CACHE
from .errors import BenchmarkError
from .launches import Launcher
from .result import Result
from .servers import MOSEC, Server
from .table import markdown
from .workloads import FOREST, HUNDRED_ROWS, ONE_ROW, Workload

BATCHES, WAITS = (8, 16, 24, 32, 64, 128), (1, 2, 5, 10)
"""Requests in a batch at most; milliseconds that a batch which is not full waits."""
WORKLOADS = (ONE_ROW, HUNDRED_ROWS, FOREST)


def configurations(batches: Sequence[int], waits: Sequence[int]) -> list[Server]:
    """One server for each of them."""
    return [_configured(most, wait, launches.mosec(most, wait)) for most, wait in product(batches, waits)]


def table(result: Result, servers: Sequence[Server], workloads: Sequence[Workload]) -> str:
    """Requests a second, and microseconds of CPU that one took, by configuration."""
    head = [
        "configuration",
        *(f"{workload.name}: {unit}" for workload in workloads for unit in ("requests/s", "CPU us")),
    ]
    body = [[server.about, *_cells(result, server, workloads)] for server in servers]
    return f"{markdown(head, body, numbers=1)}\n"


def _configured(most: int, wait: int, launch: Launcher) -> Server:
    asks = {workload: MOSEC.asks[workload] for workload in WORKLOADS}
    name, about = f"{MOSEC.name}-{most}-{wait}", f"batches of up to {most}, wait of up to {wait} ms"
    return Server(name, MOSEC.group, about, launch, asks, MOSEC.environment, MOSEC.packages)


def _cells(result: Result, server: Server, workloads: Sequence[Workload]) -> list[str]:
    found = [result.find(server.name, workload.name, server.asks[workload][0].name) for workload in workloads]
    return [cell for each in found for cell in ((f"{each.rate:,.0f}", f"{each.cpu_us:.1f}") if each else ("", ""))]


def main(arguments: Sequence[str]) -> int:
    """Measure and print. Returns 1 when something could not be measured."""
    options = _parser().parse_args(arguments)
    servers = configurations(options.batches, options.waits)
    try:
        servers = asked(servers, options.workload)
        result = run(servers, rounds=options.rounds, seconds=options.seconds, cache=CACHE, out=options.out)
    except BenchmarkError as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    result.write(options.out / "tune.json")
    sys.stdout.write(table(result, servers, [workload for workload in WORKLOADS if workload in servers[0].asks]))
    return 1 if result.failures or result.invalid() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tenfold.loadtests.benchmark.tune", description=__doc__)
    add = parser.add_argument
    add("peer", choices=[MOSEC.name], help="whose batches are tried")
    add("--batches", type=int, nargs="+", default=BATCHES, help=f"default {' '.join(map(str, BATCHES))}")
    add("--waits", type=int, nargs="+", default=WAITS, help=f"milliseconds, default {' '.join(map(str, WAITS))}")
    add("--workload", default="", help="names, separated by commas (one-row); all without it")
    add("--rounds", type=int, default=2, help="default 2")
    add("--seconds", type=int, default=2, help="of each load, default 2")
    add("--out", type=Path, default=Path("benchmark-output"), help="folder for the result and the logs")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
