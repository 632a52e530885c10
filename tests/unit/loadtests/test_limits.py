"""Limits held against made-up measurements: which break, and what is said of them."""

import pytest
from tenfold.loadtests.limits import Limits, check
from tenfold.loadtests.measured import FEEDBACK, Endpoint, Measured

# 100 predictions in 10 s: 94 took 10 ms, 4 took 50 ms, 2 took 900 ms; one of them failed, and 4 of 100 labels.
PREDICT = Endpoint("/predict", 100, 1, {10: 94, 50: 4, 900: 2}, start=0, end=10, total_ms=2940, max_ms=905)
LABELS = Endpoint(FEEDBACK, 100, 4, {5000: 100}, start=0, end=10, total_ms=500_000, max_ms=5000)
MEASURED = Measured((PREDICT, LABELS))


@pytest.mark.parametrize(
    ("limits", "broken"),
    [
        (Limits(errors=None), []),
        (Limits(p95=50, p99=900, errors=0.025, rps_min=10), []),
        (Limits(p95=49, p99=900, errors=0.025, rps_min=10), ["p95"]),
        (Limits(p99=899, errors=0.025), ["p99"]),
        (Limits(), ["errors"]),
        (Limits(errors=0.024), ["errors"]),
        (Limits(errors=0.03, rps_min=10.1), ["rps-min"]),
        (Limits(p95=1, p99=1, errors=0, rps_min=1e6), ["p95", "p99", "errors", "rps-min"]),
    ],
)
def test_the_limits_that_broke_are_named(limits: Limits, broken: list[str]) -> None:
    assert [each.limit for each in check(limits, MEASURED) if not each.holds] == broken


def test_a_broken_limit_says_both_values() -> None:
    said = {each.limit: each.sentence for each in check(Limits(p95=20, rps_min=200), MEASURED)}
    assert said == {
        "p95": "limit p95 broke: 95 % of the predictions took 50 ms, allowed are at most 20 ms",
        "errors": "limit errors broke: the failed requests were 2.5 %, allowed are at most 0 %",
        "rps-min": "limit rps-min broke: the predictions reached 10 a second, asked for are at least 200 a second",
    }


def test_feedback_counts_for_errors_but_not_for_latency_and_rate() -> None:
    measured = {each.limit: each.measured for each in check(Limits(p99=1, rps_min=1), MEASURED)}
    assert measured == {"p99": 900, "rps-min": 10, "errors": 0.025}
