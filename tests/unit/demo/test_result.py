"""From what was replayed to what is reported."""

from __future__ import annotations

from typing import Any

import pytest
from tenfold.platform.demo import champion, flights
from tenfold.platform.demo.replay import Answered, Day
from tenfold.platform.demo.result import judged, mixed


def answers(versions: str) -> list[Answered | None]:
    """One answer per character; a dash is a failed request."""
    return [None if v == "-" else Answered(0.5, v, 0.01) for v in versions]


@pytest.mark.parametrize(
    ("versions", "side_by_side"),
    [("", 0), ("1111", 0), ("1122", 0), ("11212122", 4), ("1-12-122", 2), ("112131333", 4)],
)
def test_requests_during_a_rollout_are_those_between_the_first_new_and_the_last_old_answer(
    versions: str, side_by_side: int
) -> None:
    assert mixed(answers(versions)) == side_by_side


def test_both_models_are_judged_on_the_flights_that_arrived_and_were_answered() -> None:
    table: Any = flights.load().head(2_000)
    first = champion.fitted(table)
    day = Day(flights.as_flights(table)[0].scheduled.date(), flights.as_flights(table.head(300)))
    given = [Answered(i / 300, "1", 0.01) if i % 10 else None for i in range(300)]

    result = judged(day, given, first)

    kept = [i for i, flight in enumerate(day.flights) if flight.late is not None and i % 10]
    assert len(kept) < 270
    assert result.served == [i / 300 for i in kept]
    assert result.late == [day.flights[i].late for i in kept]
    assert result.never == pytest.approx(champion.late_probability(first, table.iloc[kept]))
