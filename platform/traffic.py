"""Reads from a model server's `/metrics` how many predictions each version was asked for, and how many failed."""

from __future__ import annotations

from collections import Counter

from .target import Traffic

# What anybody may send without a key, and what is asked of the log or about the server, says nothing of a version.
_NOT_PREDICTIONS = ("other", "feedback")


def traffic_of(metrics: str) -> tuple[Traffic, ...]:
    """Requests for predictions and errors by model version, from the Prometheus text format."""
    from prometheus_client.parser import text_string_to_metric_families

    requests, errors = Counter[str](), Counter[str]()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name != "tenfold_requests_total" or sample.labels["protocol"] in _NOT_PREDICTIONS:
                continue
            if version := sample.labels.get("version"):
                requests[version] += int(sample.value)
                errors[version] += int(sample.value) if _is_error(sample.labels["code"]) else 0
    return tuple(Traffic(version=v, requests=requests[v], errors=errors[v]) for v in sorted(requests))


def _is_error(code: str) -> bool:
    """Whether the server failed, or the model refused a value that another version of it may take."""
    return code.startswith("5") or code == "422"
