"""What one model server process counts, as Prometheus metrics. Made once per process and passed in.

The registry is our own, never the library's global one. When `PROMETHEUS_MULTIPROC_DIR` was set before the process
started (the local target does), prometheus_client keeps every value in a file there and `render` answers with the
sum over all processes that share the folder, dead ones included, so that counters never go back.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import lru_cache
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.samples import Sample

from .inference_log.writer import LogCounts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_READ_SECONDS = 1.0

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
        # To find a counter by its labels takes longer than to count.
        self._answers_of = lru_cache(maxsize=256)(self._answers)
        self._rows_of = lru_cache(maxsize=16)(self._rows.labels)
        self.last_predicted = 0.0  # seconds since the epoch

    def answered(self, protocol: str, code: int, version: str, seconds: float) -> None:
        """A request was answered, or its client went away (code 499)."""
        counter, histogram = self._answers_of(protocol, code, version)
        counter.inc()
        histogram.observe(seconds)

    def _answers(self, protocol: str, code: int, version: str) -> tuple[Counter, Histogram]:
        return self._requests.labels(protocol, str(code), version), self._request_seconds.labels(protocol)

    def predicted(self, rows: int, seconds: float, version: str) -> None:
        """The model was asked for `rows` rows, of one request or of several, and took `seconds`."""
        self._rows_of(version).inc(rows)
        self._predict_seconds.observe(seconds)
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
