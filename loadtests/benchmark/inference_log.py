"""What the inference log costs a model server: `python -m tenfold.loadtests.benchmark.inference_log [URL]`.

Hands rows of ten columns to a `LogWriter` as the core does, one a request and 32 requests a call of the model, and
prints what that costs the caller (the event loop's thread) and the process. Without a URL it writes to an SQLite file
in a temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ...serving.inference_log.rows import chunks
from ...serving.inference_log.store import InferenceLog
from ...serving.inference_log.writer import LogWriter
from ...serving.prediction import BatchResult, Prediction, nbytes, stored
from ...serving.validation import Batch

ROWS = 50_000
REQUESTS = 32
ROW: dict[str, Any] = {
    "month": [1],
    "hour": [7],
    "distance": [1400.0],
    "carrier": np.array(["UA"], "object"),
    "destination": np.array(["SFO"], "object"),
    "temperature": [39.02],
    "wind": [12.5],
    "visibility": [10.0],
    "rain": [np.nan],
    "scheduled": np.array(["2013-01-05T07:00:00"], "datetime64[us]"),
}
NUMBERS = (1.001, -0.123, 0.25, 1.75, -2.125, 0.333, 1.5, -0.75, 3.001, -2.2)


def measure(url: str) -> str:
    """The numbers of one database, some lines for each kind of row."""
    log = InferenceLog(url)
    kinds = {
        "ten columns of six types": lambda: Batch({name: np.asarray(values) for name, values in ROW.items()}, 1),
        "ten numbers": lambda: Batch.of_matrix(tuple(ROW), np.array([NUMBERS])),
    }
    said = [f"{log!r}\n", *(_measured(log, kind, row) for kind, row in kinds.items())]
    log.close()
    return "".join(said)


def _call(row: Callable[[], Batch], requests: int) -> list[Prediction]:
    call = BatchResult(
        "flights", "3", Batch.joined([row() for _ in range(requests)]), {"predict": np.zeros(requests, int)}
    )
    return [Prediction(call, at, at + 1) for at in range(requests)]


def _measured(log: InferenceLog, kind: str, row: Callable[[], Batch]) -> str:
    before = log.count().predictions
    calls = [_call(row, requests) for requests in map(len, chunks(range(ROWS), REQUESTS))]
    writer = LogWriter(log, stored, nbytes, max_rows=ROWS, max_bytes=2**30)
    started = time.perf_counter()
    for predictions in calls:
        writer.put(predictions)
    put = time.perf_counter() - started
    started, cpu = time.perf_counter(), time.process_time()
    writer.start()
    writer.close(120)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    kept = log.count().predictions - before
    return (
        f"  {kind}: {writer.counts()}, {kept} stored\n"
        f"    put, in the caller's thread  {put / ROWS * 1e6:6.2f} us a row\n"
        f"    CPU of the writer's thread   {cpu / ROWS * 1e6:6.2f} us a row\n"
        f"    written                      {ROWS / seconds:6.0f} rows a second\n"
    )


def main(arguments: list[str]) -> None:
    """Measure the database that is named, or SQLite."""
    if arguments:
        sys.stdout.write(measure(arguments[0]))
        return
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(measure(f"sqlite:///{folder}/log.db"))


if __name__ == "__main__":
    main(sys.argv[1:])
