"""Event times: every form of ISO 8601 that Python knows, and a sentence for all else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tenfold.serving.errors import InvalidInput
from tenfold.serving.times import parse_event_time, parse_time

NOON = datetime(2013, 6, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("2013-06-21T12:00:00Z", "2013-06-21t12:00:00z", "2013-06-21 12:00+00:00", "2013-06-21T08:00:00-04:00"),
        *("20130621T120000Z", "2013-W25-5T12Z", "2013-06-21T17:30:00,000000000+0530", "2013-06-21T12:00:00.000-00:00"),
    ],
)
def test_one_instant_in_many_forms(text: str) -> None:
    assert parse_event_time(text) == NOON
    assert parse_event_time(text).tzinfo is UTC


def test_the_ends_of_the_calendar() -> None:
    assert parse_event_time("9999-12-31T23:59:59.999999Z") == datetime.max.replace(tzinfo=UTC)
    assert parse_event_time("0001-01-01T00:00:00Z") == datetime.min.replace(tzinfo=UTC)
    for text in ("9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+10:00"):
        with pytest.raises(InvalidInput, match=r"'.*', which in UTC is not within the years 1 to 9999\. Send ISO 8601"):
            parse_event_time(text)


@pytest.mark.parametrize("text", ["2013-06-21T12:00:00", "2013-06-21", "20130621"])
def test_a_time_without_a_zone_is_no_instant(text: str) -> None:
    with pytest.raises(InvalidInput, match="which has no zone"):
        parse_event_time(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "1371816000", "2013-06-31T12:00:00Z", "2013-06-21T25:00:00Z", "2013-06-21T12:00:00+24:00"),
        *("2013-06-21\ud80012:00:00Z", "2013-06-21x12:00:00Z", "\u0662013-06-21T12:00:00Z", "9999-W53-7T00Z", "\0" * 5),
        *("2013-06-21T12:00:00Z" * 50, "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"),
    ],
)
def test_what_is_not_a_time(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"which is not a time\. Send ISO 8601 with a zone: ") as e:
        parse_event_time(text)
    assert len(str(e.value)) < 350


def test_a_time_without_a_zone_stays_one_and_any_other_text_is_none() -> None:
    assert parse_time("2013-06-21t08:00") == datetime.fromisoformat("2013-06-21T08:00")
    assert parse_time("2013-06-21 08:00z") == datetime(2013, 6, 21, 8, tzinfo=UTC)
    for text in ("", "2013-06-21x08:00", "2013-06-21T08:00\n", "2013-06-21T08:00" + "0" * 60, "٢٠١٣-٠٦-٢١"):
        assert parse_time(text) is None
