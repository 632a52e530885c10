"""Which protocol a path speaks, and how it says an error."""

from __future__ import annotations

from typing import Any

import pytest
from tenfold.serving.protocols.dialects import dialect_of


@pytest.mark.parametrize(
    ("path", "name", "counted", "error"),
    [
        ("/predict", "predict", True, {"error": "no"}),
        ("/feedback", "feedback", True, {"error": "no"}),
        ("/v1/models/m:predict", "v1", True, {"error": "no"}),
        ("/v1/models/m", "probe", False, {"error": "no"}),
        ("/v2", "other", True, {"error": "no"}),
        ("/v2/models/m/stats", "other", True, {"error": "no"}),
        ("/v2/models/m/infer", "v2", True, {"error": "no"}),
        ("/v2/models/m/ready", "probe", False, {"error": "no"}),
        ("/v2/health/ready", "probe", False, {"error": "no"}),
        ("/metrics", "probe", False, {"error": "no"}),
        ("/invocations", "mlflow", True, {"error_code": "BAD_REQUEST", "message": "no"}),
        ("/ping", "probe", False, {"error_code": "BAD_REQUEST", "message": "no"}),
        ("/nowhere", "other", True, {"error": "no"}),
    ],
)
def test_a_path_has_a_dialect(path: str, name: str, counted: bool, error: Any) -> None:
    dialect = dialect_of(path)
    assert (dialect.name, dialect.counted, dialect.error(400, "no")) == (name, counted, error)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((404, "ENDPOINT_NOT_FOUND"), (413, "REQUEST_LIMIT_EXCEEDED"), (503, "TEMPORARILY_UNAVAILABLE")),
        *((500, "INTERNAL_ERROR"), (501, "INTERNAL_ERROR")),
    ],
)
def test_mlflows_codes(status: int, code: str) -> None:
    assert dialect_of("/invocations").error(status, "no")["error_code"] == code
