"""What a service says of itself becomes columns and tensors, and every way of not being one becomes a sentence."""

from typing import Any

import httpx
import pytest
from tenfold.loadtests.errors import RowsUnusable
from tenfold.loadtests.rows import Column
from tenfold.loadtests.service import Tensor, columns, inputs, said

ROW = {
    "properties": {
        "distance": {"type": "integer"},
        "temperature": {"type": ["number", "null"], "format": "double"},
        "carrier": {"type": "string"},
        "international": {"type": "boolean"},
        "departure": {"type": "string", "format": "date-time"},
        "gate": {"type": ["string", "number", "boolean"]},
        "seat": {},
    },
    "required": ["distance", "carrier"],
    "example": {"distance": 1400, "carrier": "UA", "gate": 4},
}


def openapi(request: dict[str, Any], **schemas: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": request}}
    return {"paths": {"/predict": {"post": {"requestBody": {"content": content}}}}, "components": {"schemas": schemas}}


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


WRITTEN_OUT = openapi({"properties": {"rows": {"items": ROW}}})
BY_REFERENCE = openapi(reference("Request"), Request={"properties": {"rows": {"items": reference("Row")}}}, Row=ROW)


@pytest.mark.parametrize("document", [WRITTEN_OUT, BY_REFERENCE])
def test_columns_are_read_from_openapi(document: dict[str, Any]) -> None:
    assert columns(document) == (
        Column("distance", "integer", True, 1400),
        Column("temperature", "number", False, None),
        Column("carrier", "string", True, "UA"),
        Column("international", "boolean", False, None),
        Column("departure", "datetime", False, None),
        Column("gate", "number", False, 4),
        Column("seat", "string", False, None),
    )


@pytest.mark.parametrize("document", [{}, {"paths": {}}, openapi({}), openapi(reference("Nowhere"))])
def test_an_openapi_document_without_rows_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(RowsUnusable, match=r"describes no row of /predict"):
        columns(document)


def test_inputs_are_read_from_v2_metadata() -> None:
    assert inputs({"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 3]}]}) == (Tensor("x", "FP64", (-1, 3)),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"ready": false, "reason": "the model is loading"}', "the model is loading"),
        (b'{"error": "no"}', "no"),
        (b'{"error_code": "X", "message": "not so"}', "not so"),
        (b"<html>", "it answers 503"),
        (b"[]", "it answers 503"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_service(content: bytes, words: str) -> None:
    assert said(httpx.Response(503, content=content)) == words
