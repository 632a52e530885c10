"""The one validator: what each type takes, and the sentence for what it does not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tenfold.serving.errors import InvalidInput, TooManyRows
from tenfold.serving.signature import Column, ColumnType, Signature
from tenfold.serving.validation import Batch, from_columns, from_matrix, from_rows
from tenfold.serving.values import EXAMPLES

FLIGHT = Signature((Column("carrier", "string"), Column("distance", "long"), Column("delay", "double", required=False)))
ROW = {"carrier": "UA", "distance": 1400, "delay": 2.5}
NAN = float("nan")


def one(kind: ColumnType, *, required: bool = True) -> Signature:
    return Signature((Column("c", kind, required),))


def checked(kind: ColumnType, values: list[Any], *, required: bool = True) -> np.ndarray[Any, Any]:
    """The column in all ways in which it can come; they must agree."""
    signature = one(kind, required=required)
    ways = [
        from_rows(signature, [{"c": v} for v in values], 100),
        from_columns(signature, {"c": values}, 100),
        from_matrix(signature, [[v] for v in values], 100),
        from_rows(signature, [{"c": v} for v in values * 5], 100),  # long enough for the quick way
    ]
    first = ways[0].columns["c"]
    for batch in ways[1:]:
        got = batch.columns["c"][: len(values)]
        assert got.dtype == first.dtype
        assert list(map(repr, got.tolist())) == list(map(repr, first.tolist()))
    return first


def refused(kind: ColumnType, value: Any, *, required: bool = True) -> str:
    with pytest.raises(InvalidInput) as alone:
        from_rows(one(kind, required=required), [{"c": value}], 10)
    among_good = [{"c": EXAMPLES[kind]}] * 7 + [{"c": value}]
    with pytest.raises(InvalidInput) as among:
        from_rows(one(kind, required=required), among_good, 10)
    assert "'c'" in str(alone.value)
    assert "row 0 (" in str(alone.value)
    assert "row 7 (" in str(among.value)
    return str(alone.value)


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("boolean", [True, False], "bool"),
        ("integer", [1, -(2**31), 2**31 - 1, 3.0], "int32"),
        ("long", [1, 2**63 - 1, -(2**63), 3.0], "int64"),
        ("float", [1, 1.5, -2.25], "float32"),
        ("double", [1, 1.5, -1e300], "float64"),
        ("string", ["a", "", "ä☃"], "object"),
        ("datetime", ["2013-01-31", "2013-01-31T06:00:00.123456"], "datetime64[us]"),
        ("any", ["a", 1, 1.5, True], "object"),
        ("any", [1, 2.5], "float64"),
    ],
)
def test_each_type_takes_its_values(kind: ColumnType, values: list[Any], dtype: str) -> None:
    assert checked(kind, values).dtype == np.dtype(dtype)


def test_a_time_with_a_zone_becomes_utc_and_one_without_stays() -> None:
    times = checked("datetime", ["2013-01-31T06:00:00-05:00", "2013-01-31T06:00:00"])
    assert [t.isoformat() for t in times.tolist()] == ["2013-01-31T11:00:00", "2013-01-31T06:00:00"]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("boolean", 1, "expects a boolean, but row 0 (counted from 0) has 1 (integer)"),
        ("boolean", "true", 'has "true" (string)'),
        ("integer", 2**31, "does not fit into 32 bits"),
        ("integer", 1.5, "it has a fraction"),
        ("integer", True, "has true (boolean)"),
        ("long", "7", 'has "7" (string). Send a value such as 1'),
        ("long", 1e30, "does not fit into 64 bits"),
        ("float", 1e39, "too large for the column"),
        ("double", "1.5", 'has "1.5" (string)'),
        ("double", [1.5], "has [1.5] (array)"),
        ("double", {"a": 1}, 'has {"a": 1} (object)'),
        ("double", True, "has true (boolean)"),
        ("double", math.inf, "it is not finite"),
        ("string", 7, "expects a string"),
        ("datetime", "yesterday", 'has "yesterday" (string)'),
        ("datetime", 7, "expects a date and time (ISO 8601)"),
        ("any", [1], "expects a string, a number or a boolean"),
        ("any", math.inf, "it is not finite"),
    ],
)
def test_a_wrong_value_is_named_with_row_column_and_remedy(kind: ColumnType, value: Any, words: str) -> None:
    sentence = refused(kind, value)
    assert words in sentence
    assert "Send a value such as" in sentence


def test_a_long_value_is_cut_short() -> None:
    assert len(refused("double", "x" * 10_000)) < 300


@pytest.mark.parametrize("missing", [None, NAN])
@pytest.mark.parametrize("kind", ["boolean", "integer", "long", "float", "double", "string", "datetime", "any"])
def test_a_missing_value_is_refused_where_the_model_requires_one(kind: ColumnType, missing: Any) -> None:
    sentence = refused(kind, missing)
    assert "has no value in row 0" in sentence
    assert "register the model with an example in which this column has gaps" in sentence


@pytest.mark.parametrize("missing", [None, NAN])
@pytest.mark.parametrize(
    ("kind", "value", "dtype"),
    [
        *(("boolean", True, "object"), ("integer", 1, "float64"), ("long", 1, "float64"), ("float", 1.5, "float32")),
        *(("double", 1.5, "float64"), ("string", "a", "object"), ("any", "a", "object"), ("any", 1, "float64")),
    ],
)
def test_a_missing_value_is_nan_where_the_signature_allows_it(
    kind: ColumnType, value: Any, dtype: str, missing: Any
) -> None:
    column = checked(kind, [value, missing], required=False)
    assert column.dtype == np.dtype(dtype)
    assert column[1] != column[1]


def test_a_missing_time_is_nat() -> None:
    assert np.isnat(checked("datetime", ["2013-01-31", None], required=False)[1])


def test_an_integer_column_with_a_gap_arrives_as_floats_and_is_taken() -> None:
    assert checked("long", [1.0, 2.0]).dtype == np.dtype("int64")
    with pytest.raises(InvalidInput, match="Column 'c' has no value in row 1"):
        from_columns(one("long"), {"c": [1.0, NAN]}, 10)


def test_rows_are_put_into_the_models_order_and_optional_columns_may_be_left_out() -> None:
    batch = from_rows(FLIGHT, [{"distance": 7, "carrier": "UA"}, ROW], 10)
    assert list(batch.columns) == ["carrier", "distance", "delay"]
    assert batch.rows == 2
    assert batch.records() == [{"carrier": "UA", "distance": 7, "delay": None}, ROW]


def test_rows_may_be_lists_in_the_models_order() -> None:
    assert from_rows(FLIGHT, [["UA", 1400, 2.5]], 10).records() == [ROW]
    assert from_matrix(FLIGHT, [[2.5, "UA", 1400]], 10, ["delay", "carrier", "distance"]).records() == [ROW]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [{**ROW, "distanze": 1}],
            "Column 'distanze' in row 0 (counted from 0) is unknown to the model. Did you mean ",
        ),
        ([{**ROW, "distanze": 1}], "Did you mean 'distance'? It takes carrier, distance, delay"),
        ([ROW, {"carrier": "UA"}], "Column 'distance' is missing in row 1 (counted from 0). The model requires "),
        ([{}], "Columns 'carrier', 'distance' are missing"),
        ([], "no rows. Send at least one"),
        ({}, 'not as {} (object). Send [{"carrier": ...}, ...]'),
        (None, "not as null"),
        ("text", 'not as "text" (string)'),
        ([ROW, 7], "Row 1 (counted from 0) is 7 (integer), not an object"),
        ([ROW, ["UA", 1, 1]], "Row 1 (counted from 0) is"),
        ([["UA", 1, 1], ROW], "Row 1 (counted from 0) is"),
        ([["UA", 1]], "Row 0 (counted from 0) has 2 values; the model takes 3, carrier, distance, delay"),
        ([[]], "Row 0 (counted from 0) has 0 values"),
        ([None], "Row 0 (counted from 0) is null, not an object"),
    ],
)
def test_rows_that_cannot_be_taken(rows: Any, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_rows(FLIGHT, rows, 10)
    assert words in str(caught.value)


def test_columns_that_cannot_be_taken() -> None:
    with pytest.raises(InvalidInput, match=r"Column 'distance' is 7 \(integer\), not a list"):
        from_columns(FLIGHT, {"carrier": ["UA"], "distance": 7}, 10)
    with pytest.raises(InvalidInput, match=r"Column 'carrier' has 1 values, but another column has 2\. Send equally"):
        from_columns(FLIGHT, {"carrier": ["UA"], "distance": [1, 2]}, 10)
    with pytest.raises(InvalidInput, match="no rows"):
        from_columns(FLIGHT, {"carrier": [], "distance": []}, 10)
    with pytest.raises(InvalidInput, match="is named twice"):
        from_matrix(FLIGHT, [["UA", 1, 1]], 10, ["carrier", "carrier", "delay"])


@pytest.mark.parametrize(
    ("check", "content"), [(from_rows, [{"c": 1}] * 4), (from_matrix, [[1]] * 4), (from_columns, {"c": [1] * 4})]
)
def test_more_rows_than_allowed(check: Any, content: Any) -> None:
    with pytest.raises(TooManyRows) as caught:
        check(one("long"), content, 3)
    assert str(caught.value).startswith("The request has 4 rows, more than the 3 allowed. Send several requests")


def test_arrays_are_checked_as_lists_are() -> None:
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    signature = Signature((Column("x0", "double"), Column("x1", "long")), "matrix")
    assert from_matrix(signature, matrix, 10).records() == [{"x0": 1.0, "x1": 2}, {"x0": 3.0, "x1": 4}]
    with pytest.raises(InvalidInput, match=r"The tensor has shape \[2, 2\]; send \[rows, 1\]"):
        from_matrix(one("double"), matrix, 10)
    with pytest.raises(InvalidInput, match="it has a fraction"):
        from_columns(one("long"), {"c": np.array([1.5])}, 10)
    with pytest.raises(InvalidInput, match="has no value in row 1"):
        from_columns(one("double"), {"c": np.array([1.5, NAN])}, 10)
    assert from_columns(one("long"), {"c": np.array([1, 2], "int16")}, 10).columns["c"].dtype == np.dtype("int64")


def test_records_are_json_values() -> None:
    times = np.array(["2013-01-31T06:00:00", "NaT"], "datetime64[us]")
    batch = Batch({"t": times, "x": np.array([1.5, NAN]), "s": np.array(["a", NAN], "object")}, 2)
    assert batch.records() == [{"t": "2013-01-31T06:00:00", "x": 1.5, "s": "a"}, {"t": None, "x": None, "s": None}]


def test_many_columns_are_not_all_listed() -> None:
    wide = Signature(tuple(Column(f"c{n}", "double") for n in range(200)))
    with pytest.raises(InvalidInput) as caught:
        from_rows(wide, [{}], 10)
    assert "and 190 more" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        *("9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+10:00", "10000-01-01", "2013-01-31T06:00:00+24:00"),
        *("٢٠١٣-01-31", "2013-02-30", "2013-01-31T06:00:00." + "1" * 1000, "\ud800", ""),
    ],
)
def test_a_time_that_no_column_can_hold_is_named(text: str) -> None:
    assert "expects a date and time (ISO 8601)" in refused("datetime", text)


def test_times_at_the_ends_of_the_calendar() -> None:
    times = checked("datetime", ["9999-12-31T23:59:59.999999", "0001-01-01", "9999-12-31T23:59:59+00:00"])
    assert [t.isoformat() for t in times.tolist()][1] == "0001-01-01T00:00:00"
    assert checked("datetime", ["2013-01-31T06:00:00.123456789"]).tolist()[0].microsecond == 123456


def nested(levels: int, inner: Any) -> Any:
    for level in range(levels):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


@pytest.mark.parametrize("kind", ["boolean", "integer", "long", "float", "double", "string", "datetime", "any"])
def test_a_value_nested_a_thousand_deep_is_named(kind: ColumnType) -> None:
    assert "but row 0 (counted from 0) has" in refused(kind, nested(1000, 1))
