"""Which nights are due, on plain days, on days when the clock changes, and after an outage."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from tenfold.training.due import due_dates, start_of

NEW_YORK = "America/New_York"


def moment(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def due(
    now: datetime,
    *,
    at: str = "02:00",
    timezone: str = NEW_YORK,
    done: set[date] | None = None,
    first: date | None = None,
    catch_up_days: int = 1,
) -> list[str]:
    dates = due_dates(
        now, at=time.fromisoformat(at), timezone=timezone, done=done or set(), first=first, catch_up_days=catch_up_days
    )
    return [str(d) for d in dates]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-06-21 01:59:59", "2026-06-19"),
        ("2026-06-21 02:00:00", "2026-06-20"),
        ("2026-06-21 23:59:59", "2026-06-20"),
        ("2026-06-22 00:00:00", "2026-06-20"),
        ("2026-06-22 02:00:00", "2026-06-21"),  # a Sunday is a day like any other
    ],
)
def test_a_date_is_due_once_the_nightly_time_of_the_next_day_has_passed(now: str, expected: str) -> None:
    assert due(moment(now)) == [expected]


def test_the_zone_decides_not_the_zone_of_now() -> None:
    now = datetime(2026, 6, 21, 3, tzinfo=UTC)
    assert due(now, timezone="UTC") == ["2026-06-20"]
    assert due(now, timezone=NEW_YORK) == ["2026-06-19"]
    assert due(now, timezone="Pacific/Auckland") == ["2026-06-20"]
    assert due(now - timedelta(hours=14), timezone="Pacific/Kiritimati") == ["2026-06-20"]


def test_missed_nights_come_oldest_first_and_no_further_back_than_asked() -> None:
    assert due(moment("2026-06-21 05:00"), catch_up_days=3) == ["2026-06-18", "2026-06-19", "2026-06-20"]


def test_what_is_done_is_not_due_and_nothing_before_the_first_date() -> None:
    now = moment("2026-06-21 05:00")
    assert due(now, catch_up_days=7, done={date(2026, 6, 19)}, first=date(2026, 6, 18)) == ["2026-06-18", "2026-06-20"]
    assert due(now, catch_up_days=7, first=date(2026, 6, 21)) == []
    assert due(now, done={date(2026, 6, 20)}) == []


@pytest.mark.parametrize("at", ["00:00", "00:30", "02:30", "03:00", "23:59:59"])
@pytest.mark.parametrize("change", ["2027-03-14", "2027-11-07"], ids=["spring", "autumn"])
def test_each_date_becomes_due_exactly_once_around_a_change_of_the_clock(at: str, change: str) -> None:
    start = moment(change).astimezone(UTC) - timedelta(days=2)
    seen: list[str] = []
    for minutes in range(0, 5 * 24 * 60, 5):
        for found in due(start + timedelta(minutes=minutes), at=at):
            if found not in seen[-1:]:
                seen.append(found)
    assert seen == sorted(set(seen))
    assert {change, str(date.fromisoformat(change) - timedelta(days=1))} <= set(seen)
    days = [date.fromisoformat(d) for d in seen]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]


def test_a_time_that_the_clock_jumps_over_comes_an_hour_later() -> None:
    assert due(moment("2027-03-14 03:29:59"), at="02:30") == ["2027-03-12"]
    assert due(moment("2027-03-14 03:30:00"), at="02:30") == ["2027-03-13"]


def test_a_time_that_the_clock_shows_twice_counts_the_first_time() -> None:
    first = moment("2027-11-07 01:30:00")
    assert due(first - timedelta(seconds=1), at="01:30") == ["2027-11-05"]
    assert due(first, at="01:30") == ["2027-11-06"]
    assert due(first.replace(fold=1), at="01:30") == ["2027-11-06"]


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2027-03-14", NEW_YORK, 23),
        ("2027-11-07", NEW_YORK, 25),
        ("2018-11-04", "America/Sao_Paulo", 23),  # midnight itself was skipped
        ("2026-06-21", "UTC", 24),
    ],
)
def test_days_have_as_many_hours_as_the_zone_gives_them(day: str, zone: str, hours: int) -> None:
    begin = date.fromisoformat(day)
    assert start_of(begin + timedelta(days=1), zone) - start_of(begin, zone) == timedelta(hours=hours)
