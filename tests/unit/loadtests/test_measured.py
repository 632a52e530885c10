"""Percentiles, sums, and the file that a Locust process leaves behind."""

import json
from pathlib import Path

import pytest
from tenfold.loadtests.limits import Limits, check
from tenfold.loadtests.measured import Endpoint, Failure, Measured, read_measured, together
from tenfold.loadtests.plan import LoadTest
from tenfold.loadtests.report import Report


def test_percentiles_are_nearest_ranks() -> None:
    found = Endpoint("/predict", 4, buckets={1: 1, 2: 1, 3: 1, 40: 1}, max_ms=38.5)
    assert [found.percentile(share) for share in (0.25, 0.5, 0.75, 0.76)] == [1, 2, 3, 38.5]


def test_nothing_measured_is_zero_everywhere() -> None:
    assert set(list(together("all", ()).summary().values())[1:]) == {0}
    assert Measured(()).error_share == 0


def test_endpoints_taken_together_add_up() -> None:
    one = Endpoint("a", 2, 1, {1: 2}, start=5, end=9, total_ms=2, max_ms=1)
    other = Endpoint("b", 2, 0, {1: 1, 8: 1}, start=4, end=8, total_ms=9, max_ms=8)
    assert together("both", (one, other)) == Endpoint("both", 4, 1, {1: 3, 8: 1}, 4, 9, 11, 8)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "measured.json"
    entry = {
        "name": "/predict",
        "num_requests": 3,
        "num_failures": 1,
        "response_times": {"2": 2, "110": 1},
        "last_request_timestamp": 1010.0,
        "total_response_time": 114.2,
        "max_response_time": 109.7,
    }
    error = {"name": "/predict", "error": "500: no", "occurrences": 1}
    document = {"start_time": 1000.0, "endpoints": [entry], "errors": [error], "generator_busy": True}
    path.write_text(json.dumps(document))
    return path


def test_the_file_of_a_run_is_read(written: Path) -> None:
    found = read_measured(written)
    assert found.failures == (Failure("/predict", "500: no", 1),)
    assert found.predictions.summary() == {
        "name": "predictions",
        "requests": 3,
        "failures": 1,
        "rps": 0.3,
        "mean_ms": 38.07,
        "p50_ms": 2.0,
        "p95_ms": 109.7,
        "p99_ms": 109.7,
        "max_ms": 109.7,
    }


def test_the_report_is_json_and_warns_of_a_busy_generator(written: Path) -> None:
    measured = read_measured(written)
    plan = LoadTest("http://localhost:1", limits=Limits(p95=1), rows_file=written)
    report = Report(plan, measured, check(plan.limits, measured), written, written)
    document = json.loads(json.dumps(report.document()))
    assert document["within_limits"] is False
    assert [limit["limit"] for limit in document["limits"]] == ["p95", "errors"]
    assert "--processes" in document["warnings"][0]
    assert document["plan"]["rows_file"] == str(written)
