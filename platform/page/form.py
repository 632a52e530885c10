"""The try-it form, made from the OpenAPI document of a model server.

The board reads the document; `try.js` draws the fields. The model server alone checks what is sent: the form only
knows which input suits a column. Pure functions over plain JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .errors import ModelUnreachable

Kind: TypeAlias = Literal["integer", "number", "boolean", "datetime", "string", "any"]
Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One input: a column of the model, or the true value."""

    name: str
    kind: Kind
    required: bool = True
    nullable: bool = False
    example: Any = None
    choices: tuple[Any, ...] = ()
    suggestions: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Form:
    """The columns of one row, the true value sent back later, the outputs that may be asked for, and whether a program
    needs an API key for it.
    """

    fields: tuple[Field, ...]
    label: Field
    outputs: tuple[str, ...]
    needs_key: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(f.name for f in self.fields)


def from_openapi(document: Json) -> Form:
    """The form of a model server's OpenAPI document.

    Raises:
        ModelUnreachable: it is not the document of a tenfold model server.
    """
    try:
        body = _body(document, "/predict")
        request = _resolve(document, body["schema"])
        row = _resolve(document, _resolve(document, request["properties"]["rows"])["items"])
        columns: Json = row["properties"]
    except (KeyError, TypeError) as e:
        raise ModelUnreachable(
            f"The model server's /openapi.json does not describe the rows of /predict (no {e}); is it tenfold's?"
        ) from e
    example = _example_row(document, body, request, row)
    required = row.get("required", ())
    return Form(
        tuple(_field(document, name, schema, name in required, example.get(name)) for name, schema in columns.items()),
        _label(document),
        _outputs(document, request),
        needs_key=bool(document["paths"]["/predict"]["post"].get("security")),
    )


def _field(document: Json, name: str, schema: Json, required: bool, example: Any) -> Field:
    schemas = list(_alternatives(document, schema))
    types = {t for s in schemas for t in _types(s)}
    choices = tuple(c for s in schemas for c in s.get("enum", ()) if c is not None)
    suggestions = tuple(c for s in schemas for c in s.get("examples", ()) if c is not None)
    if example is None and suggestions:
        example = suggestions[0]
    nullable = "null" in types or any(s.get("nullable") for s in schemas)
    timed = any(s.get("format") == "date-time" for s in schemas)
    return Field(name, _kind(types, timed), required, nullable, example, choices, suggestions)


def _kind(types: set[str], timed: bool) -> Kind:
    if "string" in types and len(types - {"null"}) > 1:
        return "any"
    if "number" in types:
        return "number"
    if "integer" in types:
        return "integer"
    if "boolean" in types:
        return "boolean"
    return "datetime" if timed else "string"


def _label(document: Json) -> Field:
    try:
        schemas = [_resolve(document, _body(document, "/feedback")["schema"])]
    except (KeyError, TypeError):
        schemas = []
    # One object or a list of them: either way the object is in there.
    while schemas:
        schema = schemas.pop(0)
        if "label" in schema.get("properties", {}):
            return _field(document, "label", schema["properties"]["label"], True, None)
        schemas += [s for s in _alternatives(document, schema) if s is not schema]
        if "items" in schema:
            schemas.append(_resolve(document, schema["items"]))
    return Field("label", "string")


def _outputs(document: Json, request: Json) -> tuple[str, ...]:
    schema = request.get("properties", {}).get("outputs", {})
    for alternative in _alternatives(document, schema):
        names = _resolve(document, alternative.get("items", {})).get("enum")
        if names:
            return tuple(names)
    return ("predict",)


def _example_row(document: Json, body: Json, request: Json, row: Json) -> Json:
    named = [e.get("value") for e in body.get("examples", {}).values()]
    bodies = [body.get("example"), *named, request.get("example"), *request.get("examples", ())]
    rows = [b["rows"][0] for b in bodies if isinstance(b, dict) and b.get("rows")]
    rows += [row.get("example"), *row.get("examples", ())]
    return next((r for r in rows if isinstance(r, dict)), {})


def _body(document: Json, path: str) -> Json:
    operation = document["paths"][path]["post"]
    return _resolve(document, operation["requestBody"])["content"]["application/json"]


def _alternatives(document: Json, schema: Json) -> Iterator[Json]:
    schema = _resolve(document, schema)
    yield schema
    for word in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(word, ()):
            yield from _alternatives(document, inner)


def _types(schema: Json) -> Sequence[str]:
    declared = schema.get("type", ())
    return (declared,) if isinstance(declared, str) else declared


def _resolve(document: Json, schema: Json) -> Json:
    for _ in range(20):  # a chain of references, bounded in case it is a ring
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        schema = document
        for part in reference.removeprefix("#/").split("/"):
            schema = schema[part]
    return schema
