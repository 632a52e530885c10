"""Rows of the log made of many predictions at once are those of each alone, value by value and type by type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest
from tenfold.serving.ids import NewIds
from tenfold.serving.inference_log.rows import StoredPrediction
from tenfold.serving.model import Answers
from tenfold.serving.prediction import BatchResult, Prediction, nbytes, stored
from tenfold.serving.protocols import infer, predict
from tenfold.serving.validation import Batch

WHEN = datetime(2013, 6, 21, 5, tzinfo=UTC)


def prediction(name: str, columns: dict[str, Any], outputs: dict[str, Any]) -> Prediction:
    rows = len(next(iter(columns.values())))
    arrays = {k: np.asarray(v) for k, v in columns.items()}
    answers = {k: np.asarray(v) for k, v in outputs.items()}
    return part(name, Batch(arrays, rows), answers)


def part(name: str, batch: Batch, answers: Answers, when: datetime | None = WHEN) -> Prediction:
    """All of a call, with ids that a test knows."""
    call = BatchResult("m", "7", batch, answers)
    call._ids = ids = NewIds(0)
    ids._text = "".join(f"{padded(f'{name}{i}')}," for i in range(batch.rows)).encode()
    return Prediction(call, 0, batch.rows, when)


def padded(name: str) -> str:
    return name.ljust(36, "-")


def row(name: str, columns: str, result: str) -> StoredPrediction:
    return padded(name), "2013-06-21 05:00:00.000000", "m", "7", columns, result, "served"


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
    names, answers = ("x", "y"), {"p": np.array([0, 1])}
    whole = part("a", Batch.of_matrix(names, matrix), answers)
    apart = part("a", Batch({"x": matrix[:, 0], "y": matrix[:, 1]}, 2), answers)
    packed = part("a", Batch.of_packed(names, matrix.tobytes(), 2), answers)
    assert stored([whole]) == stored([apart]) == stored([packed])
    assert [row[4] for row in stored([whole])] == ['{"x":0.1,"y":2.0}', '{"x":null,"y":1e+300}']


def test_the_time_is_kept_in_utc_to_the_microsecond() -> None:
    made = prediction("a", {"x": [1]}, {"p": [1]})
    made.when = datetime.fromisoformat("2013-06-21T23:59:59.000007-04:00")
    assert stored([made])[0][1] == "2013-06-22 03:59:59.000007"


def test_the_parts_of_a_call_are_what_their_requests_get_and_the_log_keeps() -> None:
    whole = part("a", Batch.of_matrix(("x",), np.arange(9.0).reshape(9, 1)), {"p": np.arange(9), "q": np.eye(9)[:, :2]})
    call = whole.result
    few, many, last = (Prediction(call, *span) for span in ((0, 2), (2, 8), (8, 9)))
    assert (len(few), few.ids, few.model, few.version) == (2, [padded("a0"), padded("a1")], "m", "7")
    assert many.outputs["p"].tolist() == [2, 3, 4, 5, 6, 7]
    assert [(each.flat("p"), each.flat("q")) for each in (few, last)] == [
        (b"0,1", b"1.0,0.0,0.0,1.0"),
        (b"8", b"0.0,0.0"),
    ]
    assert many.flat("p") == b"2,3,4,5,6,7"
    at_once, apart = stored([few, many, last]), [row for each in (few, many, last) for row in stored([each])]
    assert at_once == apart
    # One of them was dropped: it is not in the log. One says its own time.
    few.when = WHEN
    kept = stored([few, last])
    assert [(row[0], row[4]) for row in kept] == [
        (padded(name), f'{{"x":{x}}}') for name, x in (("a0", 0.0), ("a1", 1.0), ("a8", 8.0))
    ]
    assert [row[1] == "2013-06-21 05:00:00.000000" for row in kept] == [True, True, False]


def test_texts_and_missing_numbers_are_json_in_few_rows_as_in_many() -> None:
    whole = part(
        "a", Batch({"x": np.arange(6)}, 6), {"t": np.array(['a"b', "c,d", "e", "", "g", "h"]), "n": np.full(6, np.nan)}
    )
    for span in ((0, 1), (1, 3), (0, 6)):
        each = Prediction(whole.result, *span)
        for name, array in each.outputs.items():
            assert b"[" + each.flat(name) + b"]" == orjson.dumps(array.tolist())


@pytest.mark.parametrize("identity", [None, 'an "id"'])
@pytest.mark.parametrize("rows", [1, 3, 9])
def test_an_answer_of_v2_is_byte_for_byte_what_its_document_is_written_as(identity: str | None, rows: int) -> None:
    outputs: Answers = {
        "predict": np.array(["a,b", 'c"d', "e"] * 3),
        "predict_proba": np.linspace(0, 1, 18).reshape(9, 2) / 3,
        "decision_function": np.array([1e300, -0.0, np.nan, 1e-7, 5, 6, 7, 8, 9]),
        "numbers": np.arange(9, dtype="int32"),
        "flags": np.arange(9) % 2 == 0,
    }
    datatypes = dict(zip(outputs, ("BYTES", "FP64", "FP64", "INT32", "BOOL"), strict=True))
    prediction = Prediction(part("a", Batch({"x": np.arange(9)}, 9), outputs).result, 9 - rows, 9)
    document, data = infer.answer(infer.InferRequest((), None, identity), prediction, datatypes)
    assert not data
    written = infer.written(identity, prediction, datatypes)
    assert written == orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def test_an_answer_of_predict_is_what_its_document_is_written_as() -> None:
    prediction = Prediction(part("a", Batch({"x": np.arange(9)}, 9), {"predict": np.arange(9) / 7}).result, 2, 5)
    assert predict.respond(prediction, None).body == orjson.dumps(
        {
            "predictions": [2 / 7, 3 / 7, 4 / 7],
            "ids": [padded("a2"), padded("a3"), padded("a4")],
            "model": {"name": "m", "version": "7"},
        }
    )


def test_what_a_prediction_holds_in_bytes() -> None:
    columns = {"t": np.array(["x" * 1_000, None], object), "n": [1.5, 2.5]}
    assert nbytes(prediction("a", columns, {"predict": ["no", "yes"]})) == 2 * 8 + 1_000 + 2 * 8 + 2 * 3 * 4
    matrix = Batch.of_matrix(("x", "y"), np.zeros((10, 2)))
    whole = part("a", matrix, {"p": np.zeros((10, 3))})
    assert nbytes(whole) == 160 + 240
    assert nbytes(Prediction(whole.result, 2, 7)) == (160 + 240) // 2
