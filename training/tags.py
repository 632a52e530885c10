"""A night as the tags of the version that it registered: readable for people, and enough to finish it from.

A version is registered before the alias is moved and the night recorded; if the night dies in between, the next run
finds the version by its fingerprint and reads the decision back from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from .evaluate import ORDER
from .night import Night, Outcome
from .options import TrainingOptions

FINGERPRINT = "tenfold.fingerprint"
_CHAMPION, _CHALLENGER = "tenfold.champion.", "tenfold.challenger."
_OUTCOMES: dict[str, Outcome] = {"promoted": "promoted", "kept": "kept"}


def tags_of(night: Night, options: TrainingOptions, *, trained: int, held_out: int, left_out: int) -> dict[str, str]:
    """Everything that explains the decision."""
    return {
        "tenfold.date": str(night.date),
        "tenfold.timezone": options.timezone,
        "tenfold.window_days": str(options.window_days),
        "tenfold.train": options.train or "clone of the champion",
        "tenfold.rows": str(night.rows),
        "tenfold.rows_trained": str(trained),
        "tenfold.rows_held_out": str(held_out),
        "tenfold.rows_left_out": str(left_out),
        FINGERPRINT: night.fingerprint,
        "tenfold.outcome": night.outcome,
        "tenfold.reason": night.reason,
        "tenfold.compared_with": night.champion or "",
        "tenfold.finished": night.finished.isoformat(),
        **{_CHAMPION + name: repr(value) for name, value in night.champion_metrics.items()},
        **{_CHALLENGER + name: repr(value) for name, value in night.challenger_metrics.items()},
    }


def night_of(version: str, tags: Mapping[str, str]) -> Night | None:
    """The night that registered the version, read back from its tags; None if they tell of none."""
    outcome = _OUTCOMES.get(tags.get("tenfold.outcome", ""))
    if outcome is None:
        return None
    try:
        return Night(
            date=datetime.fromisoformat(tags["tenfold.date"]).date(),
            outcome=outcome,
            reason=tags["tenfold.reason"],
            rows=int(tags["tenfold.rows"]),
            champion=tags["tenfold.compared_with"] or None,
            challenger=version,
            champion_metrics=_metrics(tags, _CHAMPION),
            challenger_metrics=_metrics(tags, _CHALLENGER),
            fingerprint=tags[FINGERPRINT],
            finished=datetime.fromisoformat(tags["tenfold.finished"]),
        )
    except (KeyError, ValueError):
        return None


def _metrics(tags: Mapping[str, str], prefix: str) -> dict[str, float]:
    # MLflow gives tags back in the order of their names; the first metric is the one that decides.
    found = {key.removeprefix(prefix): float(value) for key, value in tags.items() if key.startswith(prefix)}
    return {name: found[name] for name in ORDER if name in found}
