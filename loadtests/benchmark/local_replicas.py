"""What ten replicas on one machine hold: `python -m tenfold.loadtests.benchmark.local_replicas`.

Deploys a service as a user does, by `Platform.local`, asks it over more connections than there are replicas, and counts
the memory of all replicas and of the process that they were forked from, pages that several share once (PSS).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from ... import Platform
from . import fit
from .errors import ServerFailed
from .load import load
from .processes import free_port
from .protocols import NAMES, PREDICT
from .result import Replicas

REPLICAS, CONNECTIONS, SECONDS = 10, 64, 2
_NAME = "ten-replicas"
_STATE, _ROLE = "TENFOLD_PROCESS_STATE", "TENFOLD_PROCESS_ROLE"
_MB = 1e6


def measure(number: int) -> Replicas:
    """Deploy, ask, count, and stop. `number` is that of the round.

    Raises:
        ServerFailed: there are not as many replicas as there should be.
    """
    import pandas as pd

    X, y = fit.data(fit.FITTED_ROWS)
    table = pd.DataFrame(X, columns=NAMES)
    with TemporaryDirectory(prefix="tenfold-benchmark-") as folder, _platform(Path(folder)) as platform:
        platform.register(fit.make("logistic").fit(table, y), name=_NAME, example=table.head())
        service = platform.deploy(_NAME, replicas=REPLICAS, port=free_port(), progress=lambda _: None)
        url, request = service.status().url, PREDICT.request(X[:1])
        answer = PREDICT.ask(url, request)
        load(PREDICT, url, request, answer, connections=CONNECTIONS, seconds=SECONDS, prefix=(), folder=Path(folder))
        time.sleep(1)  # what was predicted is written into the inference log
        held = _held(Path(folder) / "state")
    if len(held.get("replica", ())) != REPLICAS:
        raise ServerFailed(f"Of {REPLICAS} replicas there were {len(held.get('replica', ()))}. See `tenfold status`")
    return Replicas(number, sum(map(sum, held.values())) / REPLICAS)


@contextmanager
def _platform(folder: Path) -> Generator[Platform]:
    platform = Platform.local(folder / "state")
    try:
        yield platform
    finally:
        platform.down()


def _held(state: Path) -> dict[str, list[float]]:
    """MB of each replica, and of the fork server, by role."""
    held: dict[str, list[float]] = {}
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if environment.get(_STATE) == str(state) and environment.get(_ROLE) in ("replica", "forkserver"):
                used = process.memory_full_info()
                held.setdefault(environment[_ROLE], []).append(getattr(used, "pss", used.uss) / _MB)
        except (psutil.Error, OSError):
            continue
    return held


if __name__ == "__main__":
    os.environ.pop("TENFOLD_STATE", None)
    sys.stdout.write(f"{measure(1).memory:.1f} MB each\n")
