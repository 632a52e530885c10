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
from .signature import Column, ColumnType
from .times import parse_time

EXAMPLES: dict[ColumnType, Any] = {
    "boolean": True,
    "integer": 1,
    "long": 1,
    "float": 1.5,
    "double": 1.5,
    "string": "text",
    "datetime": "2013-01-31T06:00:00",
    "any": 0,
}
"""A value of each type, for messages, synthesised rows and the API's documentation."""

DTYPES: dict[ColumnType, str] = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "object",
    "datetime": "datetime64[us]",
    "any": "object",
}
"""The numpy type of a column without missing values."""

_WORDS: dict[ColumnType, str] = {
    "boolean": "a boolean",
    "integer": "an integer of 32 bits",
    "long": "an integer of 64 bits",
    "float": "a number (float of 32 bits)",
    "double": "a number",
    "string": "a string",
    "datetime": "a date and time (ISO 8601)",
    "any": "a string, a number or a boolean",
}
_LONGEST = 60  # characters of a value that is shown
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
        return _CONVERTERS[column.type](value)
    except _Wrong as e:
        reason = f" ({e})" if str(e) else ""
        raise InvalidInput(
            f"Column '{column.name}' expects {_WORDS[column.type]}, but row {row} (counted from 0) has "
            f"{shown(value)}{reason}. Send a value such as {shown(EXAMPLES[column.type], typed=False)}"
        ) from None


def shown(value: Any, *, typed: bool = True) -> str:
    """A value as a sentence shows it: short, as JSON would write it, with the name of its JSON type."""
    text = f'"{echo(value, limit=_LONGEST)}"' if isinstance(value, str) else echo(value, limit=_LONGEST)
    name = _JSON_NAMES.get(type(value))
    return f"{text} ({name})" if typed and name else text


def _boolean(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise _Wrong


def _integer(bits: int) -> Callable[[Any], int]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def converter(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise _Wrong
        if not low <= value <= high:
            raise _Wrong(f"it does not fit into {bits} bits")
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
    "float": _real(float(np.finfo(np.float32).max)),
    "double": _real(float(np.finfo(np.float64).max)),
    "string": _string,
    "datetime": _datetime,
    "any": _any,
}
