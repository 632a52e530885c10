"""What a model takes, read from MLflow's JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tenfold.serving.errors import ModelUnloadable
from tenfold.serving.signature import Column, parse, without_types


def tensor(dtype: str, shape: list[int], **more: Any) -> dict[str, Any]:
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}, **more}


def test_named_columns_keep_order_type_and_whether_they_may_be_missing() -> None:
    inputs = [
        {"type": "string", "name": "carrier", "required": True},
        {"type": "long", "name": "distance", "required": False},
        {"type": "double", "name": "delay"},
    ]
    signature = parse(json.dumps(inputs), width=None)
    assert signature.named
    assert signature.columns == (
        Column("carrier", "string"),
        Column("distance", "long", required=False, dtype="Int64"),
        Column("delay", "double"),
    )
    assert signature.names == ("carrier", "distance", "delay")
    assert signature.required == ("carrier", "delay")


@pytest.mark.parametrize("kind", ["boolean", "integer", "long", "float", "double", "string", "datetime"])
def test_every_type_of_mlflow_is_known(kind: str) -> None:
    (column,) = parse(json.dumps([{"type": kind, "name": "c"}]), width=None).columns
    assert column.type == kind


@pytest.mark.parametrize(
    ("shape", "width", "names"),
    [([-1, 3], None, ("x0", "x1", "x2")), ([-1, -1], 2, ("x0", "x1")), ([-1], None, ("x0",))],
)
def test_an_unnamed_tensor_has_columns_by_position(shape: list[int], width: int | None, names: tuple[str, ...]) -> None:
    signature = parse(json.dumps([tensor("float64", shape)]), width=width)
    assert not signature.named
    assert signature.names == names
    assert {c.type for c in signature.columns} == {"double"}


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        *(("int8", "integer"), ("uint16", "integer"), ("uint32", "long"), ("uint64", "unsigned"), ("int64", "long")),
        *(("float16", "float"), ("float64", "double"), ("bool", "boolean"), ("str", "string"), ("object", "any")),
        ("datetime64[ns]", "datetime"),
    ],
)
def test_a_named_tensor_of_one_value_per_row_is_a_column(dtype: str, kind: Any) -> None:
    signature = parse(json.dumps([tensor(dtype, [-1, 1], name="c")]), width=None)
    assert signature.columns == (Column("c", kind),)


def test_unnamed_columns_have_names_of_ours() -> None:
    signature = parse(json.dumps([{"type": "double"}, {"type": "long"}]), width=None)
    assert (signature.named, signature.names) == (False, ("x0", "x1"))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ("{broken", "not JSON"),
        ("[]", "no inputs"),
        ('{"type": "double"}', "no inputs"),
        ("[1]", "no inputs"),
        (json.dumps([{"type": "array", "name": "a"}]), "'a' is of type 'array'"),
        (json.dumps([{"type": "double", "name": "a"}] * 2), "same name"),
        (json.dumps([tensor("float64", [-1, 2], name="a")]), "'a' is a tensor of shape [-1, 2]"),
        (json.dumps([tensor("float64", [-1, 2, 2])]), "shape [-1, 2, 2]"),
        (json.dumps([tensor("float64", [-1, -1])]), "leaves the number of columns open"),
        (json.dumps([tensor("complex64", [-1, 2])]), "tensor of complex64"),
        ('[{"type": "tensor", "tensor-spec": 7}]', "not as MLflow writes it"),
        (json.dumps([tensor("float64", [-1, "a"])]), "not as MLflow writes it"),
        ('[{"type": ["double"], "name": "a"}]', "'a' is of type"),
    ],
)
def test_what_cannot_be_served_is_said(inputs: str, words: str) -> None:
    with pytest.raises(ModelUnloadable) as caught:
        parse(inputs, width=None)
    assert words in str(caught.value)


def test_a_model_without_a_signature_takes_any_values_in_its_own_columns() -> None:
    named = without_types(["a", "b"], width=2)
    assert named.columns == (Column("a", "any", required=False), Column("b", "any", required=False))
    assert without_types(None, width=2).names == ("x0", "x1")
    with pytest.raises(ModelUnloadable, match=r"example=X\.head"):
        without_types(None, width=None)
