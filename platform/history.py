"""Rows of the past as the inference log takes them: plain values, checked before anything is stored. Pure.

Called by `Platform.import_rows`. What comes in is what people have: a DataFrame or a list of dicts, numpy's numbers,
pandas' times, and missing values in all their spellings, which become None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .errors import InvalidRows

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class PastRows:
    """Three lists of the same length."""

    rows: list[dict[str, Any]]
    labels: list[Any]
    times: list[datetime]


def past_rows(
    rows: DataFrame | Sequence[Mapping[str, Any]], labels: Sequence[Any], times: Sequence[datetime]
) -> PastRows:
    """Check and convert what a person hands in.

    Raises:
        InvalidRows: the three differ in length, there are none, a row is no dict, or a time has no zone.
    """
    table: Any = rows
    records: list[Any] = table.to_dict("records") if _is_table(rows) else list(rows)
    given = PastRows(
        [_plain_row(number, row) for number, row in enumerate(records)],
        [_plain(label) for label in labels],
        [_moment(number, time) for number, time in enumerate(times)],
    )
    if not len(given.rows) == len(given.labels) == len(given.times):
        raise InvalidRows(
            f"{len(given.rows)} rows came with {len(given.labels)} labels and {len(given.times)} times. "
            "Give as many labels and times as rows"
        )
    if not given.rows:
        raise InvalidRows("There are no rows to import. Give at least one, with its label and its time")
    return given


def _is_table(rows: Any) -> bool:
    return hasattr(rows, "to_dict") and hasattr(rows, "columns")


def _plain_row(number: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise InvalidRows(
            f"Row {number} is of type {type(row).__name__}. Give a DataFrame, or a list of dicts from column to value"
        )
    return {str(column): _plain(value) for column, value in row.items()}


def _plain(value: Any) -> Any:
    """A Python value; None for NaN, NaT and pandas' NA."""
    if isinstance(value, str | bytes | bool | int | None):
        return value
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    # NaN and NaT are the values that differ from themselves; pandas' NA answers neither yes nor no.
    try:
        return value if value == value else None
    except TypeError:
        return None


def _moment(number: int, time: Any) -> datetime:
    if hasattr(time, "to_pydatetime"):
        time = time.to_pydatetime()
    if not isinstance(time, datetime) or time != time:  # pandas' NaT is a datetime, but no time
        raise InvalidRows(f"Time {number} is {time!r}. Give a datetime with a zone, e.g. datetime.now(UTC)")
    if time.tzinfo is None:
        raise InvalidRows(f"Time {number} is {time}, without a zone. Give one, e.g. {time}+00:00 for UTC")
    return time
