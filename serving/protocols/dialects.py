"""Which protocol a path speaks, and the shape that protocol gives to an error.

A dialect is found by path and not by route, so that unknown paths and wrong methods are answered in the shape that
the client expects there too. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MLFLOW_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    404: "ENDPOINT_NOT_FOUND",
    405: "BAD_REQUEST",
    413: "REQUEST_LIMIT_EXCEEDED",
    415: "BAD_REQUEST",
    422: "BAD_REQUEST",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """A protocol's name in metrics, its error body, and whether its requests are counted at all."""

    name: str
    error: Callable[[int, str], dict[str, Any]]
    counted: bool = True


def _plain(_status: int, sentence: str) -> dict[str, Any]:
    return {"error": sentence}


def _mlflow(status: int, sentence: str) -> dict[str, Any]:
    return {"error_code": MLFLOW_CODES.get(status, "INTERNAL_ERROR"), "message": sentence}


V1 = Dialect("v1", _plain)
V2 = Dialect("v2", _plain)
OTHER = Dialect("other", _plain)
PROBE = Dialect("probe", _plain, counted=False)
_MLFLOW_PROBE = Dialect("probe", _mlflow, counted=False)
_BY_PATH = {
    "/predict": Dialect("predict", _plain),
    "/feedback": Dialect("feedback", _plain),
    "/invocations": Dialect("mlflow", _mlflow),
    "/ping": _MLFLOW_PROBE,
    "/health": _MLFLOW_PROBE,
    "/version": _MLFLOW_PROBE,
    "/metrics": PROBE,
}


def dialect_of(path: str) -> Dialect:
    """The dialect spoken under `path`; health checks and scrapes are never counted as requests."""
    known = _BY_PATH.get(path)
    if known is not None:
        return known
    if path.startswith("/v2/"):
        if path.endswith("/infer"):
            return V2
        return PROBE if path.startswith("/v2/health/") or path.endswith("/ready") else OTHER
    if path.startswith("/v1/models/"):
        return V1 if path.endswith(":predict") else PROBE
    return OTHER
