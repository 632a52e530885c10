"""The signature told to others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tenfold.serving.schema import example_row, output_spec, row_schema, v2_inputs
from tenfold.serving.signature import Column, Signature
from tenfold.serving.validation import from_rows

ALL = Signature(
    (
        Column("b", "boolean"),
        Column("i", "integer"),
        Column("l", "long", required=False),
        Column("f", "float"),
        Column("d", "double", required=False),
        Column("s", "string"),
        Column("t", "datetime"),
        Column("a", "any", required=False),
    )
)


def test_a_row_as_json_schema() -> None:
    schema = row_schema(ALL, [example_row(ALL), {**example_row(ALL), "s": "other", "l": None}, example_row(ALL)])
    assert schema["required"] == ["b", "i", "f", "s", "t"]
    assert schema["additionalProperties"] is False
    assert schema["example"] == example_row(ALL)
    assert schema["properties"]["i"] == {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
    assert schema["properties"]["l"]["type"] == ["integer", "null"]
    assert schema["properties"]["d"] == {"type": ["number", "null"], "format": "double"}
    assert schema["properties"]["s"] == {"type": "string", "examples": ["text", "other"]}
    assert schema["properties"]["t"]["format"] == "date-time"
    assert schema["properties"]["t"]["examples"] == ["2013-01-31T06:00:00"]
    assert schema["properties"]["a"] == {"type": ["string", "number", "boolean", "null"]}


def test_a_made_up_row_passes_the_validator() -> None:
    assert from_rows(ALL, [example_row(ALL)], 10).rows == 1


def test_v2_inputs_are_a_tensor_per_named_column_and_one_matrix_of_unnamed_ones() -> None:
    assert v2_inputs(ALL)[:2] == [
        {"name": "b", "datatype": "BOOL", "shape": [-1]},
        {"name": "i", "datatype": "INT32", "shape": [-1]},
    ]
    assert [t["datatype"] for t in v2_inputs(ALL)[2:]] == ["INT64", "FP32", "FP64", "BYTES", "BYTES", "BYTES"]
    unnamed = Signature((Column("x0", "double"), Column("x1", "double")), "matrix")
    assert v2_inputs(unnamed) == [{"name": "input", "datatype": "FP64", "shape": [-1, 2]}]


@pytest.mark.parametrize(
    ("answer", "datatype", "shape"),
    [
        (np.array([1, 2]), "INT64", [-1]),
        (np.array([1, 2], "uint8"), "UINT8", [-1]),
        (np.array([[0.5, 0.5]]), "FP64", [-1, 2]),
        (np.array([0.5], "float32"), "FP32", [-1]),
        (np.array([True]), "BOOL", [-1]),
        (np.array(["a"]), "BYTES", [-1]),
        (np.array(["a"], "object"), "BYTES", [-1]),
        (np.array([True, False], "object"), "BOOL", [-1]),
    ],
)
def test_an_output_is_described_by_what_the_model_answered(answer: Any, datatype: str, shape: list[int]) -> None:
    assert output_spec("predict", answer).v2() == {"name": "predict", "datatype": datatype, "shape": shape}
