"""The JSON schemas of all requests and answers, typed from the model: the components of the OpenAPI document. Pure.

They say what a value may be as far as JSON schema can. What is left, such as lengths that have to agree, the validator
says in a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..echo import echo
from ..labels import LabelType
from ..model import Model
from ..routes import MLFLOW_CODES
from ..schema import OutputSpec, row_schema
from .infer import LONGEST_ID
from .tensors import DATATYPES

Json = dict[str, Any]


def of(model: Model, labels: LabelType) -> Json:
    """Every schema by its name."""
    width = len(model.signature.columns)
    by_name, by_position = ref("Row"), {"type": "array", "minItems": width, "maxItems": width, "items": _SCALAR}
    rows = _list(by_name if model.signature.named else {"oneOf": [by_name, by_position]}, at_least=1)
    classes = [] if model.classes is None else model.classes.tolist()
    predictions = _list(_entry(model.output_specs[0], labels))
    outputs = {spec.name: _list(_entry(spec, labels, classes)) for spec in model.output_specs}
    names = {"enum": [spec.name for spec in model.output_specs]}
    return {
        "Row": row_schema(model.signature, model.example),
        "PredictRequest": _object({"rows": rows, "outputs": _list(names, at_least=1)}, "rows", closed=True),
        "PredictAnswer": _object(
            {"predictions": predictions, "ids": _IDS, "model": _SERVED, "outputs": _object(outputs)},
            *("predictions", "ids", "model"),
        ),
        "FeedbackItem": _object({"id": _TEXT, "label": labels.schema()}, "id", "label", closed=True),
        "FeedbackRequest": {"oneOf": [ref("FeedbackItem"), _list(ref("FeedbackItem"), at_least=1)]},
        "FeedbackAnswer": _object({"results": _list(_RESULT), "error": _TEXT}, "results"),
        "Invocation": {
            "type": "object",
            "properties": {
                "dataframe_split": _object({"columns": {"type": "array"}, "index": {}, "data": _MATRIX}, "data"),
                "dataframe_records": rows,
                "instances": _INSTANCES,
                "inputs": _INSTANCES,
                "params": {},
            },
            "oneOf": [{"required": [form]} for form in ("dataframe_split", "dataframe_records", "instances", "inputs")],
        },
        "InstancesRequest": _object({"instances": _INSTANCES}, "instances"),
        "InvocationAnswer": _object(
            {"predictions": outputs[model.scoring_method], "ids": _IDS, "warnings": _list(_TEXT)}, "predictions", "ids"
        ),
        "InferRequest": _object(
            {
                "id": {**_TEXT, "maxLength": LONGEST_ID},
                "parameters": _PARAMETERS,
                "inputs": _list(_TENSOR, at_least=1),
                "outputs": _list(_object({"name": names, "parameters": _PARAMETERS}, "name")),
            },
            "inputs",
        ),
        "InferAnswer": _object(
            {"id": _TEXT, "model_name": _TEXT, "model_version": _TEXT, "parameters": _PARAMETERS}
            | {"outputs": _list(_TENSOR)},
            *("model_name", "model_version", "outputs"),
        ),
        **_FIXED,
    }


def ref(name: str) -> Json:
    """A reference to the schema `name`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, *required: str, closed: bool = False) -> Json:
    content: Json = {"type": "object", "properties": properties, "required": list(required)}
    return {**content, "additionalProperties": False} if closed else content


def _list(items: Json, *, at_least: int = 0) -> Json:
    return {"type": "array", "items": items, **({"minItems": at_least} if at_least else {})}


def _entry(spec: OutputSpec, labels: LabelType, classes: Sequence[object] = ()) -> Json:
    """What an output has for each row, one number for each of the `classes` for instance."""
    if spec.datatype == "BOOL":
        content: Json = {"type": "boolean"}
    elif spec.datatype == "BYTES":
        content = {"type": "string"} if labels.kind == "string" else _SCALAR
    elif spec.datatype.startswith("FP"):
        content = {"type": ["number", "null"]}  # NaN is null
    else:
        content = {"type": "integer"}
    for size in reversed(spec.shape[1:]):
        content = {"type": "array", "minItems": size, "maxItems": size, "items": content}
    if spec.shape[1:] == (len(classes),):
        content["description"] = f"One for each class, in this order: {echo(', '.join(map(str, classes)))}"
    return content


_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_SCALAR: Json = {"type": ["string", "number", "boolean", "null"]}
_PARAMETERS: Json = {"type": "object"}
_IDS: Json = {**_list(_TEXT), "description": "One per row, for /feedback."}
_SERVED = _object({"name": _TEXT, "version": _TEXT}, "name", "version")
_STATUSES = ["accepted", "repeated", "replaced", "unknown", "invalid"]
_RESULT = _object({"id": _TEXT, "status": {"enum": _STATUSES}, "message": _TEXT}, "id", "status")
_MATRIX = _list(_list(_SCALAR))
_INSTANCES: Json = {"type": ["array", "object"]}
_SHAPE = _list(_COUNT, at_least=1)
_DATATYPE: Json = {"enum": list(DATATYPES)}
# In the binary form a tensor has a parameter "binary_data_size" instead of "data".
_TENSOR = _object(
    {"name": _TEXT, "shape": _SHAPE, "datatype": _DATATYPE, "parameters": _PARAMETERS, "data": {"type": "array"}},
    *("name", "shape", "datatype"),
)
_VARIABLE = _object({"name": _TEXT, "datatype": _DATATYPE, "shape": _list({"type": "integer"})}, "name", "shape")
_TYPED = _object({"name": _TEXT, "data_type": _TEXT, "dims": _list({"type": "integer"})}, "name", "data_type", "dims")
_DURATION = _object({"count": _COUNT, "ns": _COUNT}, "count", "ns")
_FIXED: Json = {
    "About": _object({"name": _TEXT, "version": _TEXT, "model": {"type": ["object", "null"]}, "paths": {}}, "name"),
    "ServerMetadata": _object({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}, "name", "version"),
    "ModelMetadata": _object(
        {"name": _TEXT, "versions": _list(_TEXT), "platform": _TEXT}
        | {"inputs": _list(_VARIABLE), "outputs": _list(_VARIABLE)}
        | {"parameters": _object({"not_accelerated": _TEXT})},
        *("name", "versions", "platform", "inputs", "outputs"),
    ),
    "ModelConfig": _object(
        {"name": _TEXT, "max_batch_size": _COUNT, "input": _list(_TYPED), "output": _list(_TYPED)},
        *("name", "max_batch_size", "input", "output"),
    ),
    "Statistics": _object(
        {
            "model_stats": _list(
                _object(
                    {"name": _TEXT, "version": _TEXT, "last_inference": _COUNT}
                    | {"inference_count": _COUNT, "execution_count": _COUNT}
                    | {"inference_stats": {"type": "object", "additionalProperties": _DURATION}},
                    *("name", "version", "inference_count", "execution_count", "inference_stats"),
                )
            )
        },
        "model_stats",
    ),
    "Models": _object({"models": _list(_TEXT)}, "models"),
    "ModelReady": _object({"name": _TEXT, "ready": {"type": "boolean"}}, "name", "ready"),
    "Health": _object(
        {"ready": {"type": "boolean"}, "live": {"type": "boolean"}, "reason": _TEXT, "state": _TEXT}, "ready", "live"
    ),
    "Error": _object({"error": {**_TEXT, "description": "One sentence with the remedy."}}, "error"),
    "MlflowError": _object(
        {"error_code": {"enum": sorted({*MLFLOW_CODES.values(), "INTERNAL_ERROR"})}, "message": _TEXT},
        *("error_code", "message"),
    ),
}
