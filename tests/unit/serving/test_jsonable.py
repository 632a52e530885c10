"""Values as a data scientist has them, as JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from tenfold.serving.jsonable import encode


class Metres(float):
    """A float of a kind of its own."""


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (1.0, "1.0"),
        (1, "1"),
        (float("nan"), "null"),
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (np.bool_(True), "true"),
        (np.str_("a"), '"a"'),
        (np.float64("nan"), "null"),
        (np.array([[1, 2], [3, 4]]), "[[1,2],[3,4]]"),
        (np.datetime64("2013-01-31T06:00"), '"2013-01-31T06:00"'),
        (np.datetime64("NaT"), "null"),
        (pd.Timestamp("2013-01-31", tz="UTC"), '"2013-01-31T00:00:00+00:00"'),
        (pd.NaT, "null"),
        (pd.NA, "null"),
        (pd.Series([1, 2]), "[1,2]"),
        (Decimal("1.5"), "1.5"),
        (Metres(1.5), "1.5"),
        (datetime(2013, 1, 31, tzinfo=UTC), '"2013-01-31T00:00:00+00:00"'),
        (date(2013, 1, 31), '"2013-01-31"'),
        ("\0ü", '"\\u0000ü"'),
    ],
)
def test_what_has_a_json_form(value: Any, json: str) -> None:
    assert encode(value).decode() == json
    assert encode({"x": [value]}).decode() == f'{{"x":[{json}]}}'


def test_keys_can_be_sorted() -> None:
    assert encode({"b": 1, "a": 2}, sort_keys=True) == b'{"a":2,"b":1}'


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (object(), "a value of type object has no JSON form"),
        ({1, 2}, "a value of type set has no JSON form"),
        (b"bytes", "a value of type bytes has no JSON form"),
        (2**64, "64-bit"),
        ("\ud800", "str is not valid UTF-8"),
        ({1: 2}, "Dict key must be str"),
    ],
)
def test_what_has_none(value: Any, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        encode({"x": value})
    assert issubclass(orjson.JSONEncodeError, TypeError)
