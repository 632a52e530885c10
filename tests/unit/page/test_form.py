"""The form that a model server's OpenAPI document becomes."""

from __future__ import annotations

from typing import Any

import pytest
from support.pages import ROW, openapi
from tenfold.platform.page.errors import ModelUnreachable
from tenfold.platform.page.form import Field, from_openapi


def only(schema: dict[str, Any]) -> Field:
    (field,) = from_openapi(openapi(properties={"x": schema})).fields
    return field


def test_every_column_has_the_input_of_its_type_and_the_example() -> None:
    form = from_openapi(openapi())
    assert {f.name: f.kind for f in form.fields} == {
        "distance": "integer",
        "carrier": "string",
        "wind": "number",
        "late": "boolean",
        "scheduled": "datetime",
    }
    assert {f.name: f.example for f in form.fields} == ROW
    assert form.outputs == ("predict", "predict_proba")


def test_a_column_that_may_be_missing_can_be_empty() -> None:
    fields = {f.name: f for f in from_openapi(openapi()).fields}
    assert (fields["wind"].nullable, fields["wind"].required) == (True, False)
    assert (fields["distance"].nullable, fields["distance"].required) == (False, True)


@pytest.mark.parametrize(
    ("schema", "kind", "nullable"),
    [
        ({"type": "integer", "minimum": 0}, "integer", False),
        ({"type": ["integer", "null"]}, "integer", True),
        ({"type": "number"}, "number", False),
        ({"anyOf": [{"type": "number"}, {"type": "null"}], "type": []}, "number", True),
        ({"type": "boolean"}, "boolean", False),
        ({"type": "string"}, "string", False),
        ({"type": ["string", "null"], "format": "date-time"}, "datetime", True),
        ({"type": ["string", "number", "boolean"]}, "any", False),
        ({"type": ["string", "number", "boolean", "null"]}, "any", True),
    ],
)
def test_kinds(schema: dict[str, Any], kind: str, nullable: bool) -> None:
    field = only(schema)
    assert (field.kind, field.nullable) == (kind, nullable)


def test_known_categories_are_suggestions_and_the_first_is_the_example_where_there_is_none() -> None:
    field = only({"type": "string", "examples": ["UA", "B6"]})
    assert field.suggestions == ("UA", "B6")
    assert field.example == "UA"
    assert only({"type": "string", "enum": ["a", "b"]}).choices == ("a", "b")


def test_the_label_is_found_in_one_object_or_a_list_of_them() -> None:
    assert from_openapi(openapi()).label.choices == ("late", "punctual")
    assert from_openapi(openapi(label={"type": "number"})).label.kind == "number"
    document = openapi()
    del document["paths"]["/feedback"]
    assert from_openapi(document).label == Field("label", "string")


@pytest.mark.parametrize("document", [{}, {"paths": {}}, {"paths": {"/predict": {"post": {}}}}])
def test_a_document_of_another_server_is_a_sentence(document: dict[str, Any]) -> None:
    with pytest.raises(ModelUnreachable, match="does not describe the rows of /predict"):
        from_openapi(document)
