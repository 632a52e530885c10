"""What one model server process counts, as Prometheus metrics. Made once per process and passed in.

The registry is our own, never the library's global one. When `PROMETHEUS_MULTIPROC_DIR` was set before the process
started (the local target does), prometheus_client keeps every value in a file there and `render` answers with the
sum over all processes that share the folder, dead ones included, so that counters never go back.

To count one value takes prometheus_client as long as a tenth of a prediction. What happens once a request is therefore
noted, and `publish` counts all of it together, a few times a second and before anybody reads.
"""

from __future__ import annotations

import os
import struct
import time
from collections import Counter as Counts
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.samples import Sample

from .inference_log.writer import LogCounts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)
_READ_SECONDS = 1.0
STAGES = ("decode", "queue", "predict", "encode")
"""Of a prediction: reading and checking it, waiting for the model, the model's call, writing the answer."""

T = TypeVar("T")


class Metrics:
    """The counters and histograms of the model server; methods say what happened, in the server's own words."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "tenfold_requests",
            "Requests answered, health checks and scrapes apart.",
            ("protocol", "code", "version"),
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "tenfold_request_seconds",
            "Seconds from the request's head to the end of the answer.",
            ("protocol",),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._stage_seconds = Histogram(
            "tenfold_stage_seconds",
            "Seconds of a prediction in one stage of its way.",
            ("protocol", "stage"),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._batch_rows = Histogram(
            "tenfold_batch_rows",
            "Rows in one call of the model.",
            registry=self.registry,
            buckets=_ROWS,
        )
        self._shed = Counter(
            "tenfold_shed",
            "Requests refused for want of room (queue, bytes) or of time (deadline).",
            ("reason",),
            registry=self.registry,
        )
        self._rows = Counter("tenfold_rows", "Rows predicted.", ("version",), registry=self.registry)
        self._predict_seconds = Histogram(
            "tenfold_predict_seconds",
            "Seconds in the model, of each call of it.",
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._feedback = Counter(
            "tenfold_feedback", "Labels received, by what became of them.", ("status",), registry=self.registry
        )
        self._log_rows = {
            kind: Counter(f"tenfold_log_rows_{kind}", f"Rows {meaning}", registry=self.registry)
            for kind, meaning in {
                "accepted": "handed to the inference log; accepted = written + dropped once it is idle.",
                "written": "written to the inference log.",
                "dropped": "dropped because the inference log's queue was full.",
            }.items()
        }
        self._log_seen = dict.fromkeys(self._log_rows, 0)
        # Of the replica that started last, where several share their metrics.
        self._model_times = {
            kind: Gauge(
                f"tenfold_model_{kind}_timestamp_seconds",
                f"When the served model {meaning}, in seconds since the epoch; 0: not known.",
                registry=self.registry,
                multiprocess_mode="mostrecent",
            )
            for kind, meaning in {"created": "was saved", "newest_row": "had its newest row of training"}.items()
        }
        # Noted, and not published yet: seconds of requests, times of their stages, what was shed, the model's calls.
        self._answers: defaultdict[tuple[str, int, str], list[float]] = defaultdict(list)
        self._stages: defaultdict[str, list[float]] = defaultdict(list)
        self._sheds: Counts[str] = Counts()
        self._calls: deque[tuple[str, int, float]] = deque()  # any thread may put one in
        self.last_predicted = 0.0  # seconds since the epoch

    def serves(self, created: datetime | None, newest_row: datetime | None) -> None:
        """From now on a model is served that was saved, and whose training data end, at these times."""
        for kind, when in {"created": created, "newest_row": newest_row}.items():
            self._model_times[kind].set(when.timestamp() if when else 0)

    def answered(self, protocol: str, code: int, version: str, seconds: float) -> None:
        """A request was answered, or its client went away (code 499)."""
        self._answers[protocol, code, version].append(seconds)

    def staged(self, protocol: str, times: tuple[float, ...]) -> None:
        """A prediction began at the first of the `times`, of any clock, and ended its `STAGES` at the others."""
        self._stages[protocol] += times

    def shed(self, reason: Literal["queue", "bytes", "deadline"]) -> None:
        """A request was refused because the server is overloaded."""
        self._sheds[reason] += 1

    def publish(self) -> None:
        """Count what was noted. For the thread that notes, like all methods but `predicted` and those that read."""
        answers, self._answers = self._answers, defaultdict(list)
        for (protocol, code, version), seconds in answers.items():
            self._requests.labels(protocol, str(code), version).inc(len(seconds))
            _observe(self._request_seconds.labels(protocol), seconds)
        stages, self._stages = self._stages, defaultdict(list)
        for protocol, times in stages.items():
            for stage, seconds in zip(STAGES, np.diff(np.reshape(times, (-1, len(STAGES) + 1))).T, strict=True):
                _observe(self._stage_seconds.labels(protocol, stage), seconds)
        for reason, count in self._sheds.items():
            self._shed.labels(reason).inc(count)
        self._sheds.clear()
        calls = [self._calls.popleft() for _ in range(len(self._calls))]
        if calls:
            versions, rows, seconds = zip(*calls, strict=True)
            for version in set(versions):
                self._rows.labels(version).inc(sum(count for each, count, _ in calls if each == version))
            _observe(self._batch_rows, rows)
            _observe(self._predict_seconds, seconds)

    def predicted(self, rows: int, seconds: float, version: str) -> None:
        """One call of the model, with `rows` rows of one request or of several, took `seconds`."""
        self._calls.append((version, rows, seconds))
        self.last_predicted = time.time()

    def labelled(self, statuses: Iterable[str]) -> None:
        """Labels arrived and were accepted, repeated, replaced, unknown or invalid."""
        for status in statuses:
            self._feedback.labels(status).inc()

    def logged(self, counts: LogCounts) -> None:
        """The inference log's counters have got so far. They only grow: what is new since the last call is added."""
        for kind, now in asdict(counts).items():
            self._log_rows[kind].inc(now - self._log_seen[kind])
            self._log_seen[kind] = now

    def render(self) -> bytes:
        """The exposition text: this process alone, or the sum over all that share PROMETHEUS_MULTIPROC_DIR. Blocks."""
        return _read(lambda: generate_latest(self._readable()))

    def samples(self) -> list[Sample]:
        """Every value that `render` writes. Blocks."""
        return _read(lambda: [s for metric in self._readable().collect() for s in metric.samples])

    def _readable(self) -> CollectorRegistry:
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if not folder:
            return self.registry
        shared = CollectorRegistry()
        MultiProcessCollector(shared, path=folder)
        return shared


def _observe(histogram: Histogram, values: ArrayLike) -> None:
    """As `histogram.observe` for each value, which is all that prometheus_client has."""
    inside: Any = histogram
    buckets, bounds = inside._buckets, inside._upper_bounds
    values = np.asarray(values)
    places = np.searchsorted(bounds, values)  # the first bucket whose bound is not below the value
    for place, count in enumerate(np.bincount(places, minlength=len(buckets)).tolist()):
        if count:
            buckets[place].inc(count)
    inside._sum.inc(float(values.sum()))


def _read(read: Callable[[], T]) -> T:
    """What `read` returns, in spite of a sibling that has just made its file and not written into it yet."""
    deadline = time.monotonic() + _READ_SECONDS
    while True:
        try:
            return read()
        except (struct.error, FileNotFoundError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
