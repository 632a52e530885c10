"""How good were the predictions: those the service gave, against those of the model it began with.

Third step of the demo, after the replay. Pure: truths and probabilities go in, scores come out. Promises that both
sides are scored on the same flights, those that arrived and were answered, and that nobody sees a flight's truth
before it is scored: the service answered it before departure, and the first model saw the first weeks only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

METRIC = "log_loss"
METRIC_NAME = "log loss (lower is better)"


@dataclass(frozen=True)
class Judged:
    """The flights of one day that can be scored; three sequences of the same length."""

    date: date
    late: Sequence[int]
    served: Sequence[float]
    """Probability of being late, as the service answered."""
    never: Sequence[float]
    """The same from the model that was never retrained."""


@dataclass(frozen=True)
class Score:
    """How well probabilities fit what happened."""

    log_loss: float
    roc_auc: float | None
    """None where all flights were late, or none."""


@dataclass(frozen=True)
class DayScore:
    """One day, and all days up to it."""

    date: date
    flights: int
    served: Score
    never: Score
    served_so_far: Score
    never_so_far: Score


def score(late: Sequence[int], probabilities: Sequence[float]) -> Score:
    """Log loss and area under the ROC curve of at least one flight."""
    from sklearn.metrics import log_loss, roc_auc_score

    both = len(set(late)) == 2
    certainty = float(log_loss(late, probabilities, labels=[0, 1]))
    return Score(certainty, float(roc_auc_score(late, probabilities)) if both else None)


def score_days(days: Sequence[Judged]) -> list[DayScore]:
    """Score every day that has flights to score, and the days so far after each of them."""
    scored: list[DayScore] = []
    late, served, never = list[int](), list[float](), list[float]()
    for day in days:
        if not day.late:
            continue
        late += day.late
        served += day.served
        never += day.never
        today = score(day.late, day.served), score(day.late, day.never)
        scored.append(DayScore(day.date, len(day.late), *today, score(late, served), score(late, never)))
    return scored
