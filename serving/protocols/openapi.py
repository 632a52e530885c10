"""The OpenAPI document: FastAPI knows the paths and what they are for, the model knows what goes in and comes out.

`app` asks for it once the model is loaded. Every example in it is a row of the model's own example, so it works when
it is pasted. Pure functions of the model and of FastAPI's own document.
"""

from __future__ import annotations

import re
from typing import Any

from ..labels import LabelType
from ..model import Model
from ..schema import row_schema, v2_inputs
from .dialects import MLFLOW_CODES

Json = dict[str, Any]

_ERRORS = {
    400: "The request cannot be understood, or its rows do not agree with the model.",
    404: "Unknown model, version or prediction id.",
    413: "Too many rows or bytes.",
    415: "Another content type.",
    500: "The model broke.",
    501: "The server keeps no inference log.",
    503: "The model is not ready, or the inference log is away.",
}


def with_model(document: Json, model: Model, labels: LabelType) -> Json:
    """`document` with bodies and answers filled in."""
    document.setdefault("components", {})["schemas"] = _schemas(model, labels)
    paths: Json = document["paths"]
    row = model.example[0]
    _post(paths["/predict"], "PredictRequest", "PredictAnswer", {"rows": [row]}, 400, 413, 415, 500, 503)
    example = {"id": "0190a8f2-7c3e-7d4a-9b1c-2f6e8d0a4b5c", "label": labels.classes[0] if labels.classes else 1}
    _post(paths["/feedback"], "FeedbackRequest", "FeedbackAnswer", example, 400, 404, 413, 415, 501, 503)
    frame = {"dataframe_records": [row]}
    _post(paths["/invocations"], "Invocation", "InvocationAnswer", frame, 400, 413, 415, 500, 503, error="MlflowError")
    paths["/invocations"]["post"]["requestBody"]["content"]["text/csv"] = {"schema": {"type": "string"}}
    for path, item in paths.items():
        if path.endswith("/infer"):
            _post(item, "InferRequest", "InferAnswer", _infer_example(model), 400, 404, 413, 415, 500, 503)
        if path.endswith(":predict"):
            instances = {"instances": [row]}
            _post(item, "InstancesRequest", "InvocationAnswer", instances, 400, 404, 413, 415, 500, 503)
        if names := re.findall(r"{(\w+)}", path):
            served = {"name": model.name, "version": model.version}
            for operation in item.values():
                operation["parameters"] = [_parameter(name, served[name]) for name in names]
    return document


def _schemas(model: Model, labels: LabelType) -> Json:
    outputs = {"type": "array", "minItems": 1, "items": {"enum": list(model.outputs)}}
    rows = {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Row"}}
    ids = {"type": "array", "items": {"type": "string"}, "description": "One per row, for /feedback."}
    served = _object({"name": {"type": "string"}, "version": {"type": "string"}}, "name", "version")
    feedback = _object({"id": {"type": "string"}, "label": labels.schema()}, "id", "label", closed=True)
    result = {"id": {"type": "string"}, "status": {"enum": _STATUSES}, "message": {"type": "string"}}
    results = {"type": "array", "items": _object(result, "id", "status")}
    return {
        "Row": row_schema(model.signature, model.example[0]),
        "PredictRequest": _object({"rows": rows, "outputs": outputs}, "rows", closed=True),
        "PredictAnswer": _object(
            {"predictions": {"type": "array"}, "ids": ids, "model": served, "outputs": {"type": "object"}},
            "predictions",
            "ids",
            "model",
        ),
        "FeedbackItem": feedback,
        "FeedbackRequest": {"oneOf": [_FEEDBACK_ITEM, {"type": "array", "minItems": 1, "items": _FEEDBACK_ITEM}]},
        "FeedbackAnswer": _object({"results": results, "error": {"type": "string"}}, "results"),
        "Invocation": _object({form: {} for form in ("dataframe_split", "dataframe_records", "instances", "inputs")}),
        "InstancesRequest": _object({"instances": {"type": "array", "minItems": 1}}, "instances"),
        "InvocationAnswer": _object({"predictions": {"type": "array"}, "ids": ids}, "predictions", "ids"),
        "InferRequest": _object(
            {
                "id": {"type": "string"},
                "inputs": {"type": "array", "minItems": 1, "items": _TENSOR},
                "outputs": {"type": "array", "items": _object({"name": {"enum": list(model.outputs)}}, "name")},
            },
            "inputs",
        ),
        "InferAnswer": _object(
            {
                "id": {"type": "string"},
                "model_name": {"type": "string"},
                "model_version": {"type": "string"},
                "parameters": {"type": "object"},
                "outputs": {"type": "array", "items": _TENSOR},
            },
            "model_name",
            "outputs",
        ),
        "Error": _object({"error": {"type": "string", "description": "One sentence with the remedy."}}, "error"),
        "MlflowError": _object(
            {"error_code": {"enum": sorted({*MLFLOW_CODES.values(), "INTERNAL_ERROR"})}, "message": {"type": "string"}},
            "error_code",
            "message",
        ),
    }


_STATUSES = ["accepted", "repeated", "replaced", "unknown", "invalid"]
_FEEDBACK_ITEM = {"$ref": "#/components/schemas/FeedbackItem"}


def _object(properties: Json, *required: str, closed: bool = False) -> Json:
    content: Json = {"type": "object", "properties": properties, "required": list(required)}
    return {**content, "additionalProperties": False} if closed else content


_TENSOR = _object(
    {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer"}},
        "datatype": {"type": "string"},
        "data": {"type": "array"},
    },
    "name",
    "shape",
    "datatype",
    "data",
)


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


def _post(item: Json, request: str, answer: str, example: Json, *errors: int, error: str = "Error") -> None:
    operation = item["post"]
    schema = {"schema": {"$ref": f"#/components/schemas/{request}"}, "example": example}
    operation["requestBody"] = {"required": True, "content": {"application/json": schema}}
    operation["responses"] = {
        "200": _response("The answer.", answer),
        **{str(status): _response(_ERRORS[status], error) for status in errors},
    }


def _response(description: str, schema: str) -> Json:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _parameter(name: str, served: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": served}
