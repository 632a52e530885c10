"""One value for one column: what each type takes, how it is converted, and the sentence when it cannot be.

`validation` calls `convert` for every value of a column that is not plainly clean, so this file alone decides what
is right. Missing values (null, NaN) are distinguished here too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .echo import echo
from .errors import InvalidInput
from .signature import FINEST, Column, ColumnType
from .times import nanoseconds, parse_time

EXAMPLES: dict[ColumnType, Any] = {
    "boolean": True,
    "integer": 1,
    "long": 1,
    "unsigned": 1,
    "float": 1.5,
    "double": 1.5,
    "string": "text",
    "datetime": "2013-01-31T06:00:00",
    "any": 0,
}
"""A value of each type, for messages, synthesised rows and the API's documentation."""

_WORDS: dict[ColumnType, str] = {
    "boolean": "a boolean",
    "integer": "an integer of 32 bits",
    "long": "an integer of 64 bits",
    "unsigned": "an integer of 64 bits, not negative",
    "float": "a number (float of 32 bits)",
    "double": "a number",
    "string": "a string",
    "datetime": "a date and time (ISO 8601)",
    "any": "a string, a number or a boolean",
}
_LONGEST = 60  # characters of a value that is shown
_SHOWN_CATEGORIES = 10
_FINEST_YEARS = 1678, 2261  # whole ones
_JSON_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


class _Wrong(Exception):  # a signal within this file, never leaves it
    """The value cannot be converted; the message is a reason, or empty where the type says enough."""


def convert(column: Column, value: Any, row: int) -> Any:
    """The value as the column's array will hold it.

    Raises:
        InvalidInput: naming column, row, value and what is expected.
    """
    if value is None or value != value:  # NaN and NaT alone differ from themselves
        if column.required:
            raise InvalidInput(
                f"Column '{column.name}' has no value in row {row} (counted from 0), but the model requires one. "
                f"Send {_WORDS[column.type]}, or register the model with an example in which this column has gaps"
            )
        return None if column.type == "datetime" else math.nan
    try:
        return _of_column(column, _CONVERTERS[column.type](value), value)
    except _Wrong as e:
        reason = f" ({e})" if str(e) else ""
        raise InvalidInput(
            f"Column '{column.name}' expects {_WORDS[column.type]}, but row {row} (counted from 0) has "
            f"{shown(value)}{reason}. Send a value such as {shown(EXAMPLES[column.type], typed=False)}"
        ) from None


def _of_column(column: Column, converted: Any, value: Any) -> Any:
    """The same, unless the column's own type or categories have no such value."""
    if column.categories is not None and converted not in column.known:
        some = ", ".join(shown(category, typed=False) for category in column.categories[:_SHOWN_CATEGORIES])
        more = len(column.categories) - _SHOWN_CATEGORIES
        raise _Wrong(f"the model knows the categories {some}{f' and {more} more' if more > 0 else ''}")
    if column.dtype is None:
        return converted
    own = column.array_dtype
    if own.kind in "iu" and not np.iinfo(own).min <= converted <= np.iinfo(own).max:
        raise _Wrong(f"it does not fit into {column.dtype}")
    if own.kind == "f" and abs(converted) > float(np.finfo(own).max):
        raise _Wrong(f"it is too large for {column.dtype}")
    if own == FINEST:
        return _finest(converted, value)
    return converted


def _finest(time: datetime | np.datetime64, value: Any) -> np.datetime64:
    """The time in nanoseconds, of which Python's own has none: they are read from the text."""
    if isinstance(time, np.datetime64):
        given, found = time.astype("datetime64[us]").item(), time.astype(FINEST)
    else:
        given, found = time, np.datetime64(time, "ns")
        found += np.timedelta64(nanoseconds(value) if isinstance(value, str) else 0, "ns")
    if not (isinstance(given, datetime) and _FINEST_YEARS[0] <= given.year <= _FINEST_YEARS[1]):
        raise _Wrong(f"a time in nanoseconds lies within the years {_FINEST_YEARS[0]} to {_FINEST_YEARS[1]}")
    return found


def shown(value: Any, *, typed: bool = True) -> str:
    """A value as a sentence shows it: short, as JSON would write it, with the name of its JSON type."""
    text = f'"{echo(value, limit=_LONGEST)}"' if isinstance(value, str) else echo(value, limit=_LONGEST)
    name = _JSON_NAMES.get(type(value))
    return f"{text} ({name})" if typed and name else text


def _boolean(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise _Wrong


def _integer(bits: int, *, signed: bool = True) -> Callable[[Any], int]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)

    def converter(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise _Wrong
        if not low <= value <= high:
            raise _Wrong(f"it does not fit into {bits} bits" if value > 0 or signed else "it is negative")
        if int(value) != value:
            raise _Wrong("it has a fraction")
        return int(value)

    return converter


def _real(largest: float) -> Callable[[Any], float]:
    def converter(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise _Wrong
        if not -largest <= value <= largest:
            raise _Wrong("it is not finite, or too large for the column")
        return float(value)

    return converter


def _string(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    raise _Wrong


def _datetime(value: Any) -> datetime | np.datetime64:
    if isinstance(value, np.datetime64):
        return value
    if isinstance(value, str):
        value = parse_time(value)
    if not isinstance(value, datetime):
        raise _Wrong
    # Arrays of times carry no zone: what has one is turned into UTC, what has none is taken as it is.
    try:
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    except OverflowError:  # in UTC it is not within the years 1 to 9999
        raise _Wrong from None


def _any(value: Any) -> Any:
    if isinstance(value, float | np.floating) and math.isinf(value):
        raise _Wrong("it is not finite")
    if isinstance(value, str | bool | int | float | datetime | np.generic):
        return value
    raise _Wrong


_CONVERTERS: dict[ColumnType, Callable[[Any], Any]] = {
    "boolean": _boolean,
    "integer": _integer(32),
    "long": _integer(64),
    "unsigned": _integer(64, signed=False),
    "float": _real(float(np.finfo(np.float32).max)),
    "double": _real(float(np.finfo(np.float64).max)),
    "string": _string,
    "datetime": _datetime,
    "any": _any,
}
