"""Limits of a load test, and which of them broke. Pure: numbers in, sentences out.

Latency and rate limits look at the predictions, the share of errors at every request of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .measured import Measured


@dataclass(frozen=True)
class Limits:
    """What a run must keep; None switches a limit off.

    Attributes:
        p95: milliseconds within which 95 % of the predictions must be answered.
        p99: the same for 99 %.
        errors: share (0 to 1) of requests that may fail. tenfold promises none, so none is the default.
        rps_min: predictions a second that must at least be reached.
    """

    p95: float | None = None
    p99: float | None = None
    errors: float | None = 0.0
    rps_min: float | None = None


@dataclass(frozen=True)
class Check:
    """One limit held against the measured value."""

    limit: str
    measured: float
    bound: float
    holds: bool
    sentence: str


def check(limits: Limits, measured: Measured) -> tuple[Check, ...]:
    """Every limit that was set, held or broken, in the order p95, p99, errors, rps-min."""
    found = measured.predictions
    candidates = (
        _at_most("p95", found.percentile(0.95), limits.p95, _milliseconds, "95 % of the predictions took"),
        _at_most("p99", found.percentile(0.99), limits.p99, _milliseconds, "99 % of the predictions took"),
        _at_most("errors", measured.error_share, limits.errors, _percent, "the failed requests were"),
        _at_least("rps-min", found.rate, limits.rps_min, _rate, "the predictions reached"),
    )
    return tuple(each for each in candidates if each is not None)


def _at_most(limit: str, value: float, bound: float | None, show: Callable[[float], str], what: str) -> Check | None:
    if bound is None:
        return None
    verb = "holds" if value <= bound else "broke"
    said = f"limit {limit} {verb}: {what} {show(value)}, allowed are at most {show(bound)}"
    return Check(limit, value, bound, value <= bound, said)


def _at_least(limit: str, value: float, bound: float | None, show: Callable[[float], str], what: str) -> Check | None:
    if bound is None:
        return None
    verb = "holds" if value >= bound else "broke"
    said = f"limit {limit} {verb}: {what} {show(value)}, asked for are at least {show(bound)}"
    return Check(limit, value, bound, value >= bound, said)


def _milliseconds(value: float) -> str:
    return f"{value:g} ms"


def _percent(value: float) -> str:
    return f"{100 * value:.4g} %"


def _rate(value: float) -> str:
    return f"{value:.4g} a second"
