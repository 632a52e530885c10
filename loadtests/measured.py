"""What a run measured, as plain data: read from the file that the Locust process leaves behind.

Locust keeps response times in buckets (1 ms wide up to 100 ms, then two significant digits), so percentiles are
as fine as those. A percentile here is the nearest rank: the time within which at least that share was answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

FEEDBACK = "/feedback"


@dataclass(frozen=True)
class Endpoint:
    """The requests of one address, or of several taken together.

    Attributes:
        buckets: response time in ms -> number of requests.
        start, end: seconds since the epoch of the start of the run and of the last answer.
        total_ms, max_ms: sum of all response times, and the longest one, not rounded to buckets.
    """

    name: str
    requests: int = 0
    failures: int = 0
    buckets: Mapping[float, int] = field(default_factory=dict[float, int])
    start: float = 0.0
    end: float = 0.0
    total_ms: float = 0.0
    max_ms: float = 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds within which at least `share` of the requests were answered; 0 when there was none."""
        count = sum(self.buckets.values())
        seen = 0
        for time in sorted(self.buckets):
            seen += self.buckets[time]
            if seen >= share * count:
                return min(time, round(self.max_ms, 2)) if self.max_ms else time
        return 0.0

    @property
    def mean_ms(self) -> float:
        """Average response time in milliseconds."""
        return self.total_ms / self.requests if self.requests else 0.0

    @property
    def rate(self) -> float:
        """Requests a second, from the start of the run to the last answer."""
        return self.requests / (self.end - self.start) if self.end > self.start else 0.0

    def summary(self) -> dict[str, Any]:
        """The line of this endpoint in tables and JSON."""
        return {
            "name": self.name,
            "requests": self.requests,
            "failures": self.failures,
            "rps": round(self.rate, 2),
            "mean_ms": round(self.mean_ms, 2),
            "p50_ms": self.percentile(0.5),
            "p95_ms": self.percentile(0.95),
            "p99_ms": self.percentile(0.99),
            "max_ms": round(self.max_ms, 2),
        }


@dataclass(frozen=True)
class Failure:
    """One kind of failed request, and how often it came."""

    endpoint: str
    message: str
    count: int


@dataclass(frozen=True)
class Measured:
    """Everything a run measured."""

    endpoints: tuple[Endpoint, ...]
    failures: tuple[Failure, ...] = ()
    generator_busy: bool = False

    @property
    def predictions(self) -> Endpoint:
        """All prediction requests taken together: what latency and rate limits look at."""
        return together("predictions", (each for each in self.endpoints if each.name != FEEDBACK))

    @property
    def everything(self) -> Endpoint:
        """All requests of the run, feedback included."""
        return together("all", self.endpoints)

    @property
    def error_share(self) -> float:
        """Failed requests over all requests, 0 to 1."""
        every = self.everything
        return every.failures / every.requests if every.requests else 0.0


def together(name: str, endpoints: Iterable[Endpoint]) -> Endpoint:
    """Several endpoints as one."""
    parts = tuple(each for each in endpoints if each.requests)
    if not parts:
        return Endpoint(name)
    buckets: Counter[float] = Counter()
    for each in parts:
        buckets.update(each.buckets)
    return Endpoint(
        name,
        requests=sum(each.requests for each in parts),
        failures=sum(each.failures for each in parts),
        buckets=dict(buckets),
        start=min(each.start for each in parts),
        end=max(each.end for each in parts),
        total_ms=sum(each.total_ms for each in parts),
        max_ms=max(each.max_ms for each in parts),
    )


def measured_document(stats: Any, *, generator_busy: bool) -> dict[str, Any]:
    """Locust's `RequestStats` as the document that `read_measured` reads. Its own --json-file has no error messages."""
    return {
        "start_time": stats.total.start_time,
        "endpoints": [
            {
                "name": each.name,
                "num_requests": each.num_requests,
                "num_failures": each.num_failures,
                "response_times": dict(each.response_times),
                "last_request_timestamp": each.last_request_timestamp,
                "total_response_time": each.total_response_time,
                "max_response_time": each.max_response_time,
            }
            for each in stats.entries.values()
        ],
        "errors": [
            {"name": each.name, "error": each.parse_error(each.error), "occurrences": each.occurrences}
            for each in stats.errors.values()
        ],
        "generator_busy": generator_busy,
    }


def read_measured(path: Path) -> Measured:
    """The file that `hooks.py` wrote when Locust quit."""
    content = orjson.loads(path.read_bytes())
    return Measured(
        tuple(_endpoint(entry, content["start_time"]) for entry in content["endpoints"]),
        tuple(Failure(each["name"], each["error"], each["occurrences"]) for each in content["errors"]),
        content["generator_busy"],
    )


def _endpoint(entry: Mapping[str, Any], start: float) -> Endpoint:
    return Endpoint(
        entry["name"],
        requests=entry["num_requests"],
        failures=entry["num_failures"],
        buckets={float(time): count for time, count in entry["response_times"].items()},
        start=start,
        end=entry["last_request_timestamp"] or start,
        total_ms=entry["total_response_time"],
        max_ms=entry["max_response_time"],
    )
