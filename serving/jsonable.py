"""Values as a data scientist has them, written as JSON: what the client sends and what the inference log keeps.

numpy and pandas are recognised by what they can do, never imported, so a program that only calls a service needs
neither. Missing values (NaN, NaT, NA) become null and times ISO 8601, as the server's own validator expects them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson


def encode(value: Any, *, sort_keys: bool = False) -> bytes:
    """JSON text of `value` in UTF-8.

    Raises:
        TypeError: something in it has no JSON form; the message says what.
    """
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS if sort_keys else 0)
    except orjson.JSONEncodeError as e:
        raise TypeError(str(e.__cause__ or e)) from e  # the cause is what `_plain` said


def _plain(value: Any) -> Any:
    """What orjson does not know: subclasses of float and datetime, numpy's scalars and arrays, pandas' missing ones."""
    if isinstance(value, datetime):  # pandas' Timestamp, and NaT, the only one that differs from itself
        return value.isoformat() if value == value else None
    if getattr(getattr(value, "dtype", None), "kind", "") == "M" and not getattr(value, "shape", ()):
        return str(value) if value == value else None  # numpy.datetime64; its own item() may be a bare number
    if hasattr(value, "tolist"):
        return value.tolist()
    if type(value).__name__ == "NAType":
        return None
    if isinstance(value, Decimal | float):
        return float(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")
