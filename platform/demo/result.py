"""What a demo came to, as plain values: a row for every day, and the sums that decide its exit code.

Made from what was replayed, shown by `report` and `picture`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import nan
from typing import Any

from ..retraining import Retrained
from .champion import late_probability
from .flights import table_of
from .replay import Answered, Day, Played, Tally
from .score import METRIC, DayScore, Judged, Score, score_days


@dataclass(frozen=True)
class DayRow:
    """One replayed day and the night after it."""

    date: date
    requests: int
    """Predictions and deliveries of labels."""
    failed: int
    version: str
    """The last version that answered on this day."""
    rows: int
    """Labelled rows that the night had, those of its window."""
    champion: float | None
    """Log loss of the champion on the night's held-out rows; None when the night was skipped or failed."""
    challenger: float | None
    """The same of the version that the night trained."""
    outcome: str
    reason: str
    during_rollout: int
    """Requests answered while the night's new version was rolled out; 0 when there was none."""
    score: DayScore | None
    """None when no flight of the day can be scored."""


@dataclass(frozen=True)
class DemoResult:
    """The whole demo."""

    days: Sequence[DayRow]
    predictions: int
    refused_labels: int
    """Labels that the service did not take, which must not happen."""
    failures: Sequence[str]
    """The first few reasons of failed requests."""
    seconds: float
    replicas: int
    latencies: Sequence[float]
    """Seconds of each answered prediction, in ascending order."""

    @property
    def requests(self) -> int:
        return sum(day.requests for day in self.days)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.days)

    def latency(self, share: float) -> float:
        """Seconds within which `share` (0 to 1) of the predictions were answered; not a number without any."""
        return self.latencies[round(share * (len(self.latencies) - 1))] if self.latencies else nan

    @property
    def outcomes(self) -> dict[str, int]:
        """How many nights ended in which way, the most frequent first."""
        return dict(Counter(day.outcome for day in self.days).most_common())

    @property
    def scores(self) -> list[DayScore]:
        """The days that could be scored."""
        return [day.score for day in self.days if day.score]

    @property
    def served(self) -> Score | None:
        """The retrained service over all days."""
        return self.scores[-1].served_so_far if self.scores else None

    @property
    def never(self) -> Score | None:
        """The model that was never retrained, over all days."""
        return self.scores[-1].never_so_far if self.scores else None

    @property
    def succeeded(self) -> bool:
        """Whether every request was answered, every label was taken, and no night failed."""
        return not self.failed and not self.refused_labels and not self.outcomes.keys() & {"failed", "rolled back"}


def result_of(
    played: Sequence[Played[Retrained]], tally: Tally, first: Any, *, replicas: int, seconds: float
) -> DemoResult:
    """Score what was replayed against `first`, the model that the service began with."""
    scores = {day.date: day for day in score_days([judged(p.day, p.answers, first) for p in played])}
    mornings = [*(mixed(p.answers) for p in played[1:]), 0]
    rows = [_row(p, morning, scores.get(p.day.date)) for p, morning in zip(played, mornings, strict=True)]
    return DemoResult(
        days=rows,
        predictions=tally.predictions,
        refused_labels=tally.refused_labels,
        failures=tally.failures,
        seconds=seconds,
        replicas=replicas,
        latencies=sorted(answer.seconds for p in played for answer in p.answers if answer),
    )


def judged(day: Day, answers: Sequence[Answered | None], first: Any) -> Judged:
    """The flights of the day that arrived and were answered, with what `first` says about them."""
    both = [(f, f.late, a) for f, a in zip(day.flights, answers, strict=True) if f.late is not None and a is not None]
    never = late_probability(first, table_of([f.row for f, _, _ in both])) if both else []
    return Judged(day.date, [late for _, late, _ in both], [a.probability for _, _, a in both], never)


def mixed(answers: Sequence[Answered | None]) -> int:
    """How many requests of a day were answered from the first answer of a new version to the last of the old one."""
    versions = [answer.version for answer in answers if answer]
    if not versions or len(set(versions)) == 1:
        return 0
    old = versions[0]
    last_old = len(versions) - 1 - versions[::-1].index(old)
    first_new = next(i for i, version in enumerate(versions) if version != old)
    return max(0, last_old - first_new + 1)


def _row(played: Played[Retrained], during_rollout: int, score: DayScore | None) -> DayRow:
    night = played.night.night
    answered = [answer.version for answer in played.answers if answer]
    return DayRow(
        date=played.day.date,
        requests=played.requests,
        failed=played.failed,
        version=answered[-1] if answered else "",
        rows=night.rows,
        champion=night.champion_metrics.get(METRIC),
        challenger=night.challenger_metrics.get(METRIC),
        outcome=played.night.outcome,
        reason=played.night.reason,
        during_rollout=during_rollout,
        score=score,
    )
