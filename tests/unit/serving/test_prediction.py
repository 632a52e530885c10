"""Rows of the log made of many predictions at once are those of each alone, value by value and type by type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from tenfold.serving.inference_log.rows import StoredPrediction
from tenfold.serving.prediction import Prediction, nbytes, stored
from tenfold.serving.validation import Batch

WHEN = datetime(2013, 6, 21, 5, tzinfo=UTC)


def prediction(name: str, columns: dict[str, Any], outputs: dict[str, Any]) -> Prediction:
    rows = len(next(iter(columns.values())))
    arrays = {k: np.asarray(v) for k, v in columns.items()}
    answers = {k: np.asarray(v) for k, v in outputs.items()}
    return Prediction("m", "7", [f"{name}{i}" for i in range(rows)], answers, Batch(arrays, rows), WHEN)


def row(identity: str, columns: str, result: str) -> StoredPrediction:
    return identity, "2013-06-21 05:00:00.000000", "m", "7", columns, result, "served"


def test_many_at_once_keep_their_order_and_missing_values_are_null() -> None:
    assert stored(
        [
            prediction("a", {"x": [1.5, np.nan], "n": [1, 2]}, {"predict": [0, 1]}),
            prediction("b", {"x": [2.5], "n": [3]}, {"predict": [1]}),
        ]
    ) == [
        row("a0", '{"x":1.5,"n":1}', '{"predict":0}'),
        row("a1", '{"x":null,"n":2}', '{"predict":1}'),
        row("b0", '{"x":2.5,"n":3}', '{"predict":1}'),
    ]


def test_answers_of_different_types_stay_what_they_are() -> None:
    results = [row[5] for row in stored([prediction(k, {"x": [1]}, {"y": [y]}) for k, y in (("a", 4), ("b", 2.5))])]
    assert results == ['{"y":4}', '{"y":2.5}']


def test_texts_times_and_lists_are_what_json_can() -> None:
    days = np.array(["2013-06-21T05:00:00"], "datetime64[us]")
    (made,) = stored(
        [prediction("a", {"t": days, "ok": [True]}, {"predict": ["yes"], "predict_proba": [[0.25, 0.75]]})]
    )
    assert made[4] == '{"t":"2013-06-21T05:00:00","ok":true}'
    assert made[5] == '{"predict":"yes","predict_proba":[0.25,0.75]}'


def test_a_matrix_is_the_same_as_its_columns() -> None:
    matrix = np.array([[0.1, 2.0], [np.nan, 1e300]])
    whole = Prediction("m", "7", ["a", "b"], {"p": np.array([0, 1])}, Batch.of_matrix(("x", "y"), matrix), WHEN)
    apart = Prediction("m", "7", ["a", "b"], whole.outputs, Batch({"x": matrix[:, 0], "y": matrix[:, 1]}, 2), WHEN)
    assert stored([whole]) == stored([apart])
    assert [row[4] for row in stored([whole])] == ['{"x":0.1,"y":2.0}', '{"x":null,"y":1e+300}']


def test_the_time_is_kept_in_utc_to_the_microsecond() -> None:
    made = prediction("a", {"x": [1]}, {"p": [1]})
    made.when = datetime.fromisoformat("2013-06-21T23:59:59.000007-04:00")
    assert stored([made])[0][1] == "2013-06-22 03:59:59.000007"


def test_what_a_prediction_holds_in_bytes() -> None:
    columns = {"t": np.array(["x" * 1_000, None], object), "n": [1.5, 2.5]}
    assert nbytes(prediction("a", columns, {"predict": ["no", "yes"]})) == 2 * 8 + 1_000 + 2 * 8 + 2 * 3 * 4
    matrix = Batch.of_matrix(("x", "y"), np.zeros((10, 2)))
    assert nbytes(Prediction("m", "7", ["a"] * 10, {"p": np.zeros((10, 3))}, matrix, WHEN)) == 160 + 240
