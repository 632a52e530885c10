"""Reads from a model server's `/metrics` how many requests each version answered, and how many with an error."""

from __future__ import annotations

from collections import Counter

from .target import Traffic


def traffic_of(metrics: str) -> tuple[Traffic, ...]:
    """Requests and errors by model version, from the Prometheus text format."""
    from prometheus_client.parser import text_string_to_metric_families

    requests, errors = Counter[str](), Counter[str]()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == "tenfold_requests_total" and sample.labels.get("version"):
                version = sample.labels["version"]
                requests[version] += int(sample.value)
                errors[version] += int(sample.value) if _is_error(sample.labels["code"]) else 0
    return tuple(Traffic(version=v, requests=requests[v], errors=errors[v]) for v in sorted(requests))


def _is_error(code: str) -> bool:
    """Whether the server failed, or the model refused a value that another version of it may take.

    501 and 505 say that a client asked for what no version has, such as a method, a log, or another HTTP.
    """
    return (code.startswith("5") and code not in ("501", "505")) or code == "422"
