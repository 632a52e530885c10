"""What the page shows, as plain JSON-able values made of statuses and nights. Pure functions.

`overview.js` draws the documents made here; nothing that people do not need (process ids, probe addresses) is in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...training.night import Night
from ..target import Replica, Status
from .traffic import Rates

NIGHTS = 60
RECENT = 60  # seconds that "now" means for rates


@dataclass(frozen=True)
class Answer:
    """What the model server answered; for an error its sentence, and the column that it is about if it names one."""

    status: int
    body: dict[str, Any]
    error: str | None = None
    column: str | None = None


def service(status: Status, nights: Sequence[Night], trouble: str, rates: Rates | None) -> dict[str, Any]:
    """One service of the overview; `trouble` says why the nights are unknown, empty when they are known."""
    newest = sorted(nights, key=lambda n: n.date)[-NIGHTS:]
    retraining = status.spec.retraining
    return {
        "name": status.name,
        "verdict": status.verdict,
        "reason": status.reason,
        "version": status.spec.version,
        "previous": status.previous.version if status.previous else None,
        "revision": status.revision,
        "url": status.url,
        "registry_url": status.registry_url,
        "desired": status.spec.replicas,
        "ready": status.ready,
        "restarts": status.restarts,
        "replicas": [_replica(r, status.spec.version) for r in status.replicas],
        "traffic": {
            "requests": sum(t.requests for t in status.traffic),
            "errors": sum(t.errors for t in status.traffic),
            "by_version": [t.model_dump() for t in status.traffic],
            "now": _now(rates),
            "rates": asdict(rates) if rates else None,
        },
        "nights": [_night(n) for n in newest],
        "nights_trouble": trouble,
        "schedule": {
            "at": retraining.at.isoformat("minutes") if retraining.at else None,
            "timezone": retraining.timezone,
            "paused": retraining.paused,
            "next_run": status.next_run.isoformat() if status.next_run else None,
        },
    }


def unreadable(name: str, trouble: str) -> dict[str, Any]:
    """A service whose status cannot be read."""
    return {"name": name, "trouble": trouble}


def sentence(body: dict[str, Any], status: int) -> str:
    """The model server's own sentence about an error."""
    said = body.get("error") or body.get("message")
    if isinstance(said, str):
        return said
    results = body.get("results")
    first = results[0] if isinstance(results, list) and results else {}
    return str(first.get("message") or f"The model server answered {status} without a reason")


def named_column(sentence: str, columns: Sequence[str]) -> str | None:
    """The column that an error sentence is about: the first that it quotes, or the only one that it mentions."""
    quoted = [q for q in re.findall(r"['\"`]([^'\"`]+)['\"`]", sentence) if q in columns]
    if quoted:
        return quoted[0]
    mentioned = [c for c in columns if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", sentence)]
    return mentioned[0] if len(mentioned) == 1 else None


def _replica(replica: Replica, desired_version: str) -> dict[str, Any]:
    return replica.model_dump(mode="json", include={"id", "state", "version", "reason", "started"}) | {
        "current": replica.version == desired_version
    }


def _night(night: Night) -> dict[str, Any]:
    return night.model_dump(mode="json")


def _now(rates: Rates | None) -> dict[str, float] | None:
    """Requests and errors per second over the last minute."""
    if rates is None:
        return None
    steps = max(1, RECENT // rates.step)
    return {
        "requests": sum(_mean(values[-steps:]) for values in rates.requests.values()),
        "errors": _mean(rates.errors[-steps:]),
    }


def _mean(values: Sequence[float | None]) -> float:
    known = [v for v in values if v is not None]
    return round(sum(known) / len(known), 2) if known else 0.0
