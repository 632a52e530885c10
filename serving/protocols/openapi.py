"""The OpenAPI document: the routes say what there is, the model knows what goes in and comes out.

`app` asks for it once the model is loaded. Every example in it is a row of the model's own example, so it works when
it is pasted. Pure functions of the model and of FastAPI's own document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ..labels import LabelType
from ..model import Model
from ..responses import JSON
from ..routes import MLFLOW, Route
from ..schema import v2_inputs
from . import schemas
from .binary import HEADER, OCTETS
from .mlflow import CSV

Json = dict[str, Any]

_ERRORS = {
    400: "The request cannot be understood, or its rows do not agree with the model.",
    401: "No API key, or an unknown one.",
    404: "Unknown model, version or prediction id.",
    413: "Too many rows or bytes.",
    415: "Another content type or charset.",
    422: "The model itself refuses a value that fits its column, such as a category that it does not know.",
    500: "The model broke.",
    501: "The server keeps no inference log.",
    503: "The model is not ready or has too much to do, or the inference log is away.",
    504: "The model, or the inference log, did not answer in time.",
}


def with_model(
    document: Json, routes: Iterable[Route], model: Model, labels: LabelType, needs_key: Callable[[Route], bool]
) -> Json:
    """`document` with bodies, answers and the served names filled in.

    Args:
        document: FastAPI's own, of these routes.
        routes: of the server; those without an operation are not documented.
        model: that is served.
        labels: of the model.
        needs_key: whether an API key is asked for.
    """
    components = document.setdefault("components", {})
    components["schemas"] = schemas.of(model, labels)
    # Of the place where the document lies, which may have a prefix.
    document["servers"] = [{"url": "."}]
    documented = [route for route in routes if route.operation]
    if any(map(needs_key, documented)):
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    examples = _examples(model, labels)
    served = {"name": model.name, "version": model.version}
    for route in documented:
        operation = document["paths"][route.path][route.method.lower()]
        _fill(operation, route, examples, closed=needs_key(route))
        if names := re.findall(r"{(\w+)}", route.path):
            operation["parameters"] = [_parameter(name, served[name]) for name in names]
    return document


def _examples(model: Model, labels: LabelType) -> Json:
    """Of each schema or content type of a body."""
    row = model.example[0]
    label = labels.classes[0] if labels.classes else "a" if labels.kind == "string" else 1
    return {
        "PredictRequest": {"rows": [row]},
        "FeedbackRequest": {"id": "0190a8f2-7c3e-7d4a-9b1c-2f6e8d0a4b5c", "label": label},
        "Invocation": {"dataframe_records": [row]},
        "InstancesRequest": {"instances": [row]},
        "InferRequest": _infer_example(model),
        CSV: ",".join(row) + "\n" + ",".join(map(_cell, row.values())) + "\n",
    }


def _infer_example(model: Model) -> Json:
    row = model.example[0]
    inputs = v2_inputs(model.signature)
    if not model.signature.named:
        return {"inputs": [_with_data(inputs[0], [1, len(row)], list(row.values()))]}
    return {"inputs": [_with_data(tensor, [1], [row[tensor["name"]]]) for tensor in inputs]}


def _with_data(tensor: Json, shape: list[int], data: list[Any]) -> Json:
    datatype = tensor["datatype"]
    # A column of which only that it holds scalars is known is described as strings; its example may be numbers.
    if datatype == "BYTES" and not any(isinstance(value, str) for value in data):
        datatype = "BOOL" if all(isinstance(value, bool) for value in data) else "FP64"
    return {**tensor, "datatype": datatype, "shape": shape, "data": data}


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if re.search(r'[",\r\n]', text) else text


def _fill(operation: Json, route: Route, examples: Json, *, closed: bool) -> None:
    said = route.operation
    assert said is not None
    error = "MlflowError" if route.protocol is MLFLOW else "Error"
    text = said.answer == "text/plain"
    answer = {said.answer: {"schema": {"type": "string"}}} if text else _json(said.answer)
    operation["responses"] = {"200": {"description": "The answer.", "content": answer}}
    if closed:
        operation["security"] = [{"key": []}]
    for status in (401, *said.errors) if closed else said.errors:
        names = [said.answer, error] if status in said.answer_errors else [error]
        operation["responses"][str(status)] = {"description": _ERRORS[status], "content": _json(*names)}
    if said.request:
        content = {JSON: {**_json(said.request)[JSON], "example": examples[said.request]}}
        operation["requestBody"] = {"required": True, "content": content}
        if CSV in said.media:
            content[CSV] = {"schema": {"type": "string"}, "example": examples[CSV]}
        if OCTETS in said.media:
            _add_bytes(operation)


def _add_bytes(operation: Json) -> None:
    """Tell of the binary extension, beside JSON."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    operation["description"] += (
        f"\n\nTensors may be bytes too ({OCTETS}): the header {HEADER} has the length of the JSON document, and the "
        f'bytes follow it. Outputs are bytes where "binary_data_output" or "binary_data" asks for it.'
    )
    operation["requestBody"]["content"][OCTETS] = binary
    operation["responses"]["200"]["content"][OCTETS] = binary


def _json(*names: str) -> Json:
    found = [schemas.ref(name) for name in names]
    return {JSON: {"schema": found[0] if len(found) == 1 else {"anyOf": found}}}


def _parameter(name: str, served: str) -> Json:
    schema = {"type": "string", "enum": [served]}
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": served}
