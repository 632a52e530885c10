"""Rows and labels of every usual kind become the same JSON."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import numpy as np
import orjson
import pandas as pd
import pytest
from tenfold.serving.client import Answer, ModelInfo, Receipt, Result, Unsendable, messages
from tenfold.serving.client.steps import may_succeed_later, wait_before_retry

ROWS = [{"n": 1, "x": 0.5, "who": "UA"}, {"n": 2, "x": None, "who": "B6"}]
FRAME = pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan], "who": ["UA", "B6"]}, index=[7, 9])


def sent(rows: Any) -> Any:
    return orjson.loads(messages.predict(rows, None, None).content or b"")["rows"]


@pytest.mark.parametrize(
    "rows",
    [
        FRAME,
        FRAME.to_dict("records"),
        FRAME.to_dict("list"),
        {name: column.to_numpy() for name, column in FRAME.items()},
        dict(FRAME.items()),
        tuple(ROWS),
        iter(ROWS),
        [{"n": np.int64(1), "x": np.float32(0.5), "who": np.str_("UA")}, {"n": 2, "x": pd.NA, "who": "B6"}],
    ],
)
def test_rows_by_name(rows: Any) -> None:
    assert sent(rows) == ROWS


@pytest.mark.parametrize("row", [ROWS[0], FRAME.iloc[0]])
def test_one_row(row: Any) -> None:
    assert sent(row) == [ROWS[0]]


@pytest.mark.parametrize("rows", [np.array([[1.0, 2.0], [3.0, np.nan]]), [[1.0, 2.0], [3.0, float("nan")]]])
def test_rows_by_position(rows: Any) -> None:
    assert sent(rows) == [[1.0, 2.0], [3.0, None]]


def test_times_and_odd_column_names() -> None:
    at = pd.Timestamp("2013-01-31 06:00", tz="UTC")
    assert sent(pd.DataFrame({0: [at, pd.NaT], "d": [Decimal("1.5"), None]})) == [
        {"0": "2013-01-31T06:00:00+00:00", "d": 1.5},
        {"0": None, "d": None},
    ]


def test_frames_without_rows_or_columns() -> None:
    assert sent(FRAME.head(0)) == []
    assert sent(pd.DataFrame(index=[1, 2])) == [{}, {}]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("text", "'text' cannot be read as rows"),
        (3, "3 cannot be read as rows"),
        (None, "None cannot be read as rows"),
        ({"a": [1, 2], "b": [1]}, "The columns are not of one length: a 2, b 1"),
        ([{"a": object()}], "The rows cannot be sent: a value of type object has no JSON form"),
        ([{"a": 2**70}], "The rows cannot be sent: Integer exceeds 64-bit range"),
    ],
)
def test_no_rows(rows: Any, said: str) -> None:
    with pytest.raises(Unsendable, match=said):
        messages.predict(rows, None, None)


@pytest.mark.parametrize(
    ("ids", "labels"),
    [
        (["a", "b"], [1, 0]),
        (("a", "b"), np.array([1, 0])),
        (pd.Series(["a", "b"], index=[5, 6]), pd.Series([1, 0], index=[1, 2])),
        ({"a": 1, "b": np.int64(0)}, None),
        (iter(["a", "b"]), iter([1, 0])),
    ],
)
def test_labels(ids: Any, labels: Any) -> None:
    content = messages.feedback(ids, labels, None).content
    assert orjson.loads(content or b"") == [{"id": "a", "label": 1}, {"id": "b", "label": 0}]


@pytest.mark.parametrize(
    ("ids", "labels", "said"),
    [
        (["a", "b"], [1], "There are 2 ids and 1 labels. Give one label for each id"),
        (["a"], None, "None is not a list"),
        (["a"], "word", "'word' is not a list"),
        ({"a": 1}, [1], "Labels were given twice"),
        (["a"], [object()], "The labels cannot be sent: a value of type object has no JSON form"),
    ],
)
def test_no_labels(ids: Any, labels: Any, said: str) -> None:
    with pytest.raises(Unsendable, match=said):
        messages.feedback(ids, labels, None)


def test_an_event_time_without_a_zone_is_no_instant() -> None:
    with pytest.raises(Unsendable, match="2013-01-31T00:00:00 has no zone"):
        messages.predict(ROWS, None, datetime(2013, 1, 31))  # noqa: DTZ001 - what is tested


def test_answers_are_json_and_print_well() -> None:
    answer = Answer(
        [0, 1] * 20, [f"id-{i}" for i in range(40)], ModelInfo("m", "3"), {"predict_proba": [[0.5, 0.5]] * 40}
    )
    assert orjson.loads(orjson.dumps(answer))["model"] == {"name": "m", "version": "3"}
    assert len(answer) == 40
    assert repr(answer) == "Answer([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, ...], 40 by m version 3)"
    html = answer._repr_html_()  # pyright: ignore[reportPrivateUsage] - what a notebook calls
    assert "<th>predict_proba</th>" in html
    assert "and 30 more" in html
    assert html.count("<tr>") == 11


def test_receipts_print_well_and_show_first_what_needs_attention() -> None:
    receipt = Receipt([*[Result(f"id-{i}", "accepted") for i in range(30)], Result("<x>", "unknown", "No such id.")])
    assert repr(receipt) == "Receipt(30 accepted, 1 unknown)"
    assert str(receipt) == "Receipt(30 accepted, 1 unknown)\n  <x>: No such id."
    html = receipt._repr_html_()  # pyright: ignore[reportPrivateUsage] - what a notebook calls
    assert html.index("&lt;x&gt;") < html.index("id-0")
    assert repr(Receipt([])) == "Receipt(nothing sent)"
    assert orjson.loads(orjson.dumps(receipt))["results"][30]["status"] == "unknown"


def in_a_minute() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def test_waits_grow_and_are_no_shorter_than_the_server_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenfold.serving.client.steps._FIRST_WAIT", 0.1)
    lost = httpx.ReadError("reset")
    for tried in range(5):
        assert 0.05 * 2**tried <= wait_before_retry(tried, lost) <= 0.1 * 2**tried
    assert wait_before_retry(50, lost) <= 10
    for given, least in (("2", 2), ("3600", 3600), ("9" * 400, float("inf")), (format_datetime(in_a_minute()), 55)):
        waits = {wait_before_retry(0, httpx.Response(503, headers={"Retry-After": given})) for _ in range(20)}
        assert least <= min(waits) <= max(waits) <= 1.6 * least + 10
        assert len(waits) > 1 or least > 3600  # not all clients at once
    for given in (
        "soon",
        "-1",
        "1.5",
        "",
        "Fri, 99 Nov 2026 07:00:00 GMT",
        format_datetime(datetime(2013, 1, 31, tzinfo=UTC)),
    ):
        assert wait_before_retry(0, httpx.Response(503, headers={"Retry-After": given})) <= 0.1
    assert may_succeed_later(lost)
    assert not may_succeed_later(httpx.ReadTimeout("slow"))
    assert [s for s in range(400, 600) if may_succeed_later(httpx.Response(s))] == [502, 503]
    assert may_succeed_later(httpx.Response(429, headers={"Retry-After": "1"}))
    silent = httpx.ReadTimeout("what httpx makes of a machine that died")
    silent.__cause__ = TimeoutError(errno.ETIMEDOUT, "Connection timed out")
    assert may_succeed_later(silent)


def test_the_time_of_a_message_is_iso_8601() -> None:
    assert messages.feedback("a", 1, datetime(2013, 1, 31, tzinfo=UTC)).headers[messages.EVENT_TIME].endswith("+00:00")
