"""The table that a model is served with is the one that it was fitted on: through JSON, the validator, and back."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenfold.serving import table as module
from tenfold.serving.errors import InvalidInput
from tenfold.serving.signature import read, write
from tenfold.serving.table import table
from tenfold.serving.validation import from_rows
from tenfold.training.errors import ColumnNotServable
from tenfold.training.table import described

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
# pandas' own times end in the year 2262, and do not begin in 1677.
TIMES = st.datetimes(pd.Timestamp(1678, 1, 1).to_pydatetime(), pd.Timestamp(2261, 12, 31).to_pydatetime())
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]


def again(example: Any) -> Any:
    """What a server makes of the rows, which come to it as JSON."""
    signature, rows = described(example)
    signature = read(write(signature))
    return table(signature, from_rows(signature, orjson.loads(orjson.dumps(rows)), max_rows=len(rows)))


def gaps(values: st.SearchStrategy[Any], missing: Any) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.just(missing))


def whole(dtype: str) -> st.SearchStrategy[int]:
    bounds = np.iinfo(dtype)
    return st.integers(int(bounds.min), int(bounds.max))


@st.composite
def columns(draw: st.DrawFn, rows: int) -> pd.Series[Any]:
    """A column of any type that can be served; of those with gaps, one has a value at least."""
    kind = draw(st.sampled_from([*KINDS]))
    values, dtype = KINDS[kind](draw)
    found = draw(st.lists(values, min_size=rows, max_size=rows))
    if rows and all(value is None or value is pd.NaT or value is pd.NA or value != value for value in found):
        found[0] = draw(values.filter(lambda v: not (v is None or v is pd.NaT or v is pd.NA or v != v)))
    return pd.Series(found, dtype=dtype) if not callable(dtype) else dtype(found)


def _numbers(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]))
    return whole(dtype), dtype


def _nullable_numbers(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from(["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"]))
    return gaps(whole(dtype.lower()), pd.NA), dtype


def _floats(draw: st.DrawFn) -> Any:
    width = draw(st.sampled_from([16, 32, 64]))
    return gaps(st.floats(allow_nan=False, allow_infinity=False, width=width), math.nan), f"float{width}"


def _nullable_floats(draw: st.DrawFn) -> Any:
    width = draw(st.sampled_from([32, 64]))
    return gaps(st.floats(allow_nan=False, allow_infinity=False, width=width), pd.NA), f"Float{width}"


def _objects(draw: st.DrawFn) -> Any:
    numbers, mixed = st.integers(-(2**63), 2**63 - 1), TEXTS | st.booleans() | FLOATS
    values = draw(st.sampled_from([TEXTS, st.booleans(), numbers, FLOATS, mixed]))
    missing = draw(st.sampled_from([None, math.nan, pd.NA]))
    return gaps(values, missing), "object"


def _times(draw: st.DrawFn) -> Any:
    unit = draw(st.sampled_from(["s", "ms", "us", "ns"]))
    zone = draw(st.none() | st.sampled_from(ZONES))
    extra = st.integers(0, 999) if unit == "ns" else st.just(0)

    def made(found: list[Any]) -> pd.Series[Any]:
        naive = pd.Series(found, dtype=f"datetime64[{unit}]")
        return naive if zone is None else naive.dt.tz_localize("UTC").dt.tz_convert(zone)

    time = st.builds(lambda at, ns: pd.Timestamp(at).as_unit("ns") + pd.Timedelta(ns, "ns"), TIMES, extra)
    return gaps(time.map(lambda t: t.as_unit(unit)), pd.NaT), made


def _categories(draw: st.DrawFn) -> Any:
    of = draw(st.sampled_from([TEXTS, st.integers(-(2**40), 2**40), st.booleans(), FLOATS.filter(lambda v: v != 0)]))
    known = draw(st.lists(of, min_size=1, max_size=5, unique=True))
    index = pd.Index(known, dtype=draw(st.sampled_from([None, "object"])))
    dtype = pd.CategoricalDtype(index, ordered=draw(st.booleans()))
    return gaps(st.sampled_from(known), None), dtype


KINDS: dict[str, Any] = {
    "bool": lambda _: (st.booleans(), "bool"),
    "numbers": _numbers,
    "nullable numbers": _nullable_numbers,
    "floats": _floats,
    "nullable floats": _nullable_floats,
    "boolean": lambda _: (gaps(st.booleans(), pd.NA), "boolean"),
    "str": lambda _: (gaps(TEXTS, None), "str"),
    "string": lambda draw: (gaps(TEXTS, pd.NA), f"string[{draw(st.sampled_from(['python', 'pyarrow']))}]"),
    "objects": _objects,
    "times": _times,
    "categories": _categories,
}


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(1, 3))
    labels = draw(st.lists(TEXTS | st.integers(0, 10**6), min_size=1, max_size=6, unique_by=str))
    frame = pd.DataFrame({at: draw(columns(rows)) for at in range(len(labels))})
    frame.columns = pd.Index(labels, dtype="object" if any(isinstance(label, int) for label in labels) else None)
    return frame


@settings(max_examples=2_000, deadline=None)
@given(tables())
def test_a_table_comes_back_as_it_was(frame: pd.DataFrame) -> None:
    made = again(frame)
    assert [*made.columns] == [*frame.columns]
    for at in range(frame.shape[1]):
        pd.testing.assert_series_equal(made.iloc[:, at], frame.iloc[:, at], check_exact=True, check_names=False)
        for one, other in zip(made.iloc[:, at], frame.iloc[:, at], strict=True):
            assert type(one) is type(other)


def test_a_series_and_a_list_stay_what_they_are() -> None:
    texts = pd.Series(["a", "b"], name="comment")
    pd.testing.assert_series_equal(again(texts), texts)
    assert again(["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pd.to_timedelta([1, 2], unit="s"), "it is of the type timedelta64"),
        (pd.period_range("2024", periods=2, freq="M"), "X['c'].dt.to_timestamp()"),
        ([Decimal("1.5"), Decimal(2)], "Give numbers: X['c'].astype('float64')"),
        ([b"a", b"b"], "it is of the type bytes. Give numbers, texts or times"),
        ([1j, 2j], "Give two columns"),
        (pd.Series([None, None], dtype="object"), "it has no value at all"),
        (pd.Series(["a", None, math.nan], dtype="object"), "what is missing in it is None and nan"),
        (pd.Categorical(pd.to_datetime(["2024-01-01", "2024-01-02"])), "its categories are times"),
    ],
)
def test_a_column_that_no_request_can_have_is_named_with_the_remedy(column: Any, words: str) -> None:
    with pytest.raises(ColumnNotServable) as raised:
        described(pd.DataFrame({"c": column}))
    assert str(raised.value).startswith("The column 'c' of the example cannot be served: ")
    assert words in str(raised.value)


def test_texts_need_no_pyarrow_where_they_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"c": pd.Series(["a", None], dtype="string[pyarrow]")})
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert again(frame)["c"].dtype == pd.StringDtype("python")


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(ColumnNotServable, match="several columns have this name"):
        described(pd.DataFrame([[1, 2]], columns=[2, "2"]))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (pd.Series([1], dtype="int8"), 128, "it does not fit into int8"),
        (pd.Series([1], dtype="uint16"), -1, "it does not fit into uint16"),
        (pd.Series([1], dtype="uint64"), -1, "it is negative"),
        (pd.Series([1.0], dtype="float16"), 70_000.0, "it is too large for float16"),
        (pd.Series(["a", "b"], dtype="category"), "c", 'the model knows the categories "a", "b"'),
        (pd.Series(["2024-01-01"], dtype="datetime64[ns]"), "1500-01-01", "within the years 1678 to 2261"),
    ],
)
@pytest.mark.parametrize("rows", [1, 10])  # one by one, and in one step
def test_what_the_column_cannot_hold_is_refused(column: pd.Series[Any], value: Any, words: str, rows: int) -> None:
    signature, _ = described(pd.DataFrame({"c": column}))
    with pytest.raises(InvalidInput) as raised:
        from_rows(signature, [{"c": value}] * rows, max_rows=rows)
    assert words in str(raised.value)
