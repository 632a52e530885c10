"""Requests and errors (5xx, and 422: a refused value) by version, read from the metrics of a model server."""

from tenfold.platform.rollout import answered
from tenfold.platform.target import Traffic
from tenfold.platform.traffic import traffic_of

METRICS = """
# TYPE tenfold_requests_total counter
tenfold_requests_total{protocol="predict",code="200",version="2"} 7.0
tenfold_requests_total{protocol="v2",code="500",version="2"} 1.0
tenfold_requests_total{protocol="v2",code="400",version="2"} 2.0
tenfold_requests_total{protocol="v2",code="422",version="2"} 1.0
tenfold_requests_total{protocol="other",code="501",version="2"} 3.0
tenfold_requests_total{protocol="other",code="505",version="2"} 3.0
tenfold_requests_total{protocol="feedback",code="503",version="2"} 3.0
tenfold_requests_total{protocol="v2",code="200",version="1"} 5.0
tenfold_requests_total{protocol="v2",code="503",version=""} 9.0
# TYPE tenfold_rows_total counter
tenfold_rows_total{version="2"} 100.0
"""


def test_requests_and_errors_by_version() -> None:
    assert traffic_of(METRICS) == (
        Traffic(version="1", requests=5, errors=0),
        Traffic(version="2", requests=11, errors=2),
    )


def test_what_a_version_answered_between_two_looks() -> None:
    before, now = (Traffic(version="2", requests=10, errors=1),), (Traffic(version="2", requests=30, errors=4),)
    assert answered(before, now, "2") == (20, 3)
    assert answered((), now, "2") == (30, 4)
    assert answered(before, (), "2") == (0, 0)
