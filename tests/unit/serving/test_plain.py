"""What the quick readers take, the general ones take for the same; what these leave, the general ones decide."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import orjson
import pytest
from tenfold.serving.errors import InvalidInput
from tenfold.serving.protocols import frames, infer, plain, predict
from tenfold.serving.signature import Column, Signature
from tenfold.serving.validation import from_matrix, from_rows

TENSOR: dict[str, Any] = {"name": "input", "shape": [2, 2], "datatype": "FP64", "data": [1, 2.5, -3e2, 0.1]}


def _request(tensor: dict[str, Any] = TENSOR, **more: Any) -> bytes:
    return orjson.dumps({"inputs": [tensor], **more})


TAKEN = {
    "one tensor": _request(),
    "floats of 32 bits": _request({**TENSOR, "datatype": "FP32"}),
    "outputs": _request(outputs=[{"name": "predict"}, {"name": "predict_proba"}]),
    "no outputs": _request(outputs=[]),
    "an id": _request(id="mine"),
    "a long id": _request(id="ä" * 1_000),
    "nulls": _request({**TENSOR, "parameters": None}, id=None, parameters=None, outputs=None),
    "large integers": _request({**TENSOR, "data": [2**63, 1, 1, 2**53 + 1]}),
    "a key that comes twice": _request().replace(b'"datatype"', b'"shape":[9,9],"shape":[2,2],"datatype"'),
}
LEFT = {
    "another width": _request({**TENSOR, "shape": [1, 4]}),
    "nested": _request({**TENSOR, "data": [[1, 2], [3, 4]]}),
    "parameters": _request(parameters={"binary_data_output": True}),
    "parameters of the tensor": _request({**TENSOR, "parameters": {"content_type": "np"}}),
    "parameters of an output": _request(outputs=[{"name": "predict", "parameters": {"binary_data": True}}]),
    "another key": _request(priority=1),
    "integers": _request({**TENSOR, "datatype": "INT64", "data": [1, 2, 3, 4]}),
    "a missing value": _request({**TENSOR, "data": [1, None, 3, 4]}),
    "two tensors": orjson.dumps({"inputs": [TENSOR, {**TENSOR, "name": "other"}]}),
}
WRONG = {
    "too few values": _request({**TENSOR, "data": [1, 2, 3]}),
    "no rows": _request({**TENSOR, "shape": [0, 2], "data": [1]}),
    "negative sizes": _request({**TENSOR, "shape": [-2, -2]}),
    "a size that is no integer": _request({**TENSOR, "shape": [2.0, 2]}),
    "a boolean": _request({**TENSOR, "data": [True, 2, 3, 4]}),
    "a string": _request({**TENSOR, "data": ["1", 2, 3, 4]}),
    "no name": _request({key: value for key, value in TENSOR.items() if key != "name"}),
    "an id that is no string": _request(id=7),
    "an id that is too long": _request(id="x" * 1_001),
    "outputs that are none": _request(outputs=["predict"]),
    "an unknown datatype": _request({**TENSOR, "datatype": "FP8"}),
    "no inputs": b'{"inputs": []}',
    "no object": b"[]",
    "nothing": b"",
    "broken": _request()[:-1],
    "something after it": _request() + b"{}",
    "a number that is too large": _request().replace(b"2.5", b"1e400"),
    "no number of JSON": _request().replace(b"2.5", b"NaN"),
    "no UTF-8": _request().replace(b'"input"', b'"\xff"'),
    "half a character": _request(id="mine").replace(b"mine", b"\\ud800"),
    "too deep": b'{"inputs":' + b"[" * 100_000,
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_it_takes_is_what_the_general_reader_takes(name: str) -> None:
    quick, general = plain.read(TAKEN[name], 2), infer.take(orjson.loads(TAKEN[name]))
    assert quick is not None
    assert (quick.outputs or None, quick.id) == (general.outputs, general.id)
    (tensor,) = general.inputs
    assert np.frombuffer(quick.values).tolist() == np.array(tensor.data, "float64").tolist()


@pytest.mark.parametrize("name", LEFT)
def test_what_is_of_another_form_is_left_to_the_general_reader(name: str) -> None:
    assert plain.read(LEFT[name], 2) is None
    assert infer.take(orjson.loads(LEFT[name])).inputs


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_not_taken(name: str) -> None:
    assert plain.read(WRONG[name], 2) is None
    with pytest.raises((InvalidInput, orjson.JSONDecodeError, AttributeError)):
        infer.take(orjson.loads(WRONG[name]))


NAMES = ("x", "y é/", "type")
ROW = {"x": 1.5, "y é/": -2, "type": 3e300}
ROWS: dict[str, Any] = {
    "one row": {"rows": [ROW]},
    "rows, keys in any order": {"rows": [ROW, {"type": 1, "x": 2, "y é/": 3}]},
    "outputs": {"rows": [ROW], "outputs": ["predict", "predict"]},
    "outputs of null": {"rows": [ROW], "outputs": None},
}
OTHER_ROWS: dict[str, bytes] = {
    name: orjson.dumps(document)
    for name, document in {
        "no rows": {"rows": []},
        "a column too many": {"rows": [{**ROW, "z": 1}]},
        "a column too few": {"rows": [{"x": 1}]},
        "a text": {"rows": [{**ROW, "x": "1"}]},
        "a boolean": {"rows": [{**ROW, "x": True}]},
        "a null": {"rows": [{**ROW, "x": None}]},
        "lists": {"rows": [[1, 2, 3]]},
        "outputs that are none": {"rows": [ROW], "outputs": []},
        "outputs that are no names": {"rows": [ROW], "outputs": [1]},
        "an unknown key": {"rows": [ROW], "more": 1},
        "no object": [ROW],
    }.items()
} | {"too large a number": orjson.dumps({"rows": [ROW]}).replace(b"1.5", b"1e999"), "no JSON": b"{", "nothing": b""}


@pytest.mark.parametrize("name", ROWS)
def test_rows_that_it_takes_are_what_the_general_reader_takes(name: str) -> None:
    quick = plain.rows(orjson.dumps(ROWS[name]), NAMES)
    rows, outputs = predict.take(ROWS[name])
    batch = from_rows(Signature(tuple(Column(each, "double") for each in NAMES)), rows, 10)
    assert quick is not None
    assert quick.outputs == outputs
    assert batch.matrix is not None
    assert quick.values == batch.matrix.tobytes()


@pytest.mark.parametrize("name", OTHER_ROWS)
def test_rows_of_another_form_are_left_to_the_general_reader(name: str) -> None:
    assert plain.rows(OTHER_ROWS[name], NAMES) is None


def test_rows_of_very_many_columns_are_left_too_for_their_order_could_cost_much() -> None:
    names = tuple(f"c{number}" for number in range(65))
    assert plain.rows(orjson.dumps({"rows": [dict.fromkeys(names, 1.0)]}), names) is None


@pytest.mark.parametrize("name", ['a "b"', "a\\b", "a\nb"])
def test_rows_of_a_column_whose_name_is_escaped_in_json_are_left(name: str) -> None:
    assert plain.rows(orjson.dumps({"rows": [{name: 1.0}]}), (name,)) is None


SPLIT: dict[str, Any] = {"columns": list(NAMES), "data": [[1.5, -2, 3e300], [1, 2, 2**53 + 1]]}
FRAMES: dict[str, Any] = {
    "rows": SPLIT,
    "one row": {**SPLIT, "data": SPLIT["data"][:1]},
    "an index": {**SPLIT, "index": [7, "b"]},
}
OTHER_FRAMES: dict[str, bytes] = {
    name: orjson.dumps(document)
    for name, document in {
        "no rows": {"dataframe_split": {**SPLIT, "data": []}},
        "columns in another order": {"dataframe_split": {**SPLIT, "columns": [*reversed(NAMES)]}},
        "a column too few": {"dataframe_split": {"columns": ["x", "type"], "data": [[1, 2]]}},
        "no columns": {"dataframe_split": {"data": SPLIT["data"]}},
        "a value too many": {"dataframe_split": {**SPLIT, "data": [[1, 2, 3], [1, 2, 3, 4]]}},
        "a value too few": {"dataframe_split": {**SPLIT, "data": [[1, 2, 3], [1, 2]]}},
        "values that are enough in all": {"dataframe_split": {**SPLIT, "data": [[1, 2, 3, 4], [1, 2]]}},
        "an index too short": {"dataframe_split": {**SPLIT, "index": [0]}},
        "a text": {"dataframe_split": {**SPLIT, "data": [[1, "2", 3]]}},
        "a null": {"dataframe_split": {**SPLIT, "data": [[1, None, 3]]}},
        "a boolean": {"dataframe_split": {**SPLIT, "data": [[1, True, 3]]}},
        "an unknown key": {"dataframe_split": {**SPLIT, "dtype": "float"}},
        "params": {"dataframe_split": SPLIT, "params": {}},
        "another form": {"dataframe_records": [ROW]},
    }.items()
} | {"too large a number": orjson.dumps({"dataframe_split": SPLIT}).replace(b"1.5", b"1e999"), "no JSON": b"{"}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_that_it_takes_is_what_the_general_reader_takes(name: str) -> None:
    document, signature = {"dataframe_split": FRAMES[name]}, Signature(tuple(Column(each, "double") for each in NAMES))
    model = SimpleNamespace(signature=signature)
    core = SimpleNamespace(model=model, matrix=lambda rows, columns: from_matrix(signature, rows, 10, columns))
    batch = frames.from_json(cast("Any", core), document)
    assert batch.matrix is not None
    assert plain.frame(orjson.dumps(document), NAMES) == batch.matrix.tobytes()


@pytest.mark.parametrize("name", OTHER_FRAMES)
def test_a_frame_of_another_form_is_left_to_the_general_reader(name: str) -> None:
    assert plain.frame(OTHER_FRAMES[name], NAMES) is None
