"""Which nights are due: one pure function that the local alarm clock and the CronJob share.

An alarm clock only rings, and may ring late, twice, or not at all; what is to be done follows from the dates that are
done, not from the ring. Right on days when the clock changes, and after an outage.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


def due_dates(
    now: datetime, *, at: time, timezone: str, done: Set[date], first: date | None, catch_up_days: int
) -> list[date]:
    """The dates to train on now, oldest first.

    A date is due once the nightly time of the day after it has passed: its own day is over then, and its labels had
    until that time to arrive.

    Args:
        now: the present, aware.
        at: the nightly time on the wall clock of `timezone`.
        timezone: IANA name; its midnight ends a day.
        done: dates that need no night any more.
        first: the first date worth training on; None: no such bound.
        catch_up_days: how many nights, the last one included, are made up for.
    """
    last = now.astimezone(ZoneInfo(timezone)).date()
    while _due_from(last, at, timezone) > now:
        last -= ONE_DAY
    candidates = [last - n * ONE_DAY for n in range(catch_up_days - 1, -1, -1)]
    return [d for d in candidates if d not in done and (first is None or d >= first)]


def start_of(day: date, timezone: str) -> datetime:
    """The first moment of the day in the zone, in UTC."""
    return _moment(day, time.min, timezone)


def _due_from(day: date, at: time, timezone: str) -> datetime:
    return _moment(day + ONE_DAY, at, timezone)


def _moment(day: date, at: time, timezone: str) -> datetime:
    # Where the clock jumps over the time, this is as long after midnight as on any other day; where the clock
    # shows the time twice, the first. Compared in UTC, since Python ignores a change of offset within one zone.
    return datetime.combine(day, at.replace(fold=0), tzinfo=ZoneInfo(timezone)).astimezone(UTC)
