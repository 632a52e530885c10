"""What a demo came to, as plain values: a row for every day, and the sums that decide its exit code.

Made by `demo`, shown by `report` and `picture`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .score import DayScore, Score


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

    @property
    def requests(self) -> int:
        return sum(day.requests for day in self.days)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.days)

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
