"""The signature for clients: JSON schema for `/docs`, tensors for v2 metadata, an example that works.

Pure functions of a `Signature`; the HTTP layer puts their values into its responses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .signature import Column, ColumnType, Signature
from .values import EXAMPLES

_JSON_TYPES: dict[ColumnType, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "unsigned": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "datetime": {
        "type": "string",
        "format": "date-time",
        "description": "ISO 8601. With a zone it is turned into UTC, without one it is taken as it is.",
    },
    "any": {"type": ["string", "number", "boolean"]},
}
_V2_TYPES: dict[ColumnType, str] = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "unsigned": "UINT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
    "datetime": "BYTES",
    "any": "BYTES",
}
_V2_KINDS = {"b": "BOOL", "U": "BYTES", "O": "BYTES", "M": "BYTES", "S": "BYTES"}
_V2_NUMBERS = {"i": "INT", "u": "UINT", "f": "FP"}


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output of the model as v2 describes it: -1 in `shape` is the number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def v2(self) -> dict[str, Any]:
        """The tensor's entry in the model's metadata."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


def row_schema(signature: Signature, example: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """JSON schema of one row: the first of `example` is its example, and all of them show the values of each column."""
    return {
        "type": "object",
        "properties": {c.name: _property(c, [row[c.name] for row in example]) for c in signature.columns},
        "required": list(signature.required),
        "additionalProperties": False,
        "example": dict(example[0]),
    }


def example_row(signature: Signature) -> dict[str, Any]:
    """A made-up row of the right types, for a model that was saved without an example."""
    return {c.name: c.categories[0] if c.categories else EXAMPLES[c.type] for c in signature.columns}


def v2_datatype(kind: ColumnType) -> str:
    """The v2 name of a column's type."""
    return _V2_TYPES[kind]


def v2_inputs(signature: Signature) -> list[dict[str, Any]]:
    """One tensor of [rows, columns] for a model of unnamed columns, else one of [rows] per column."""
    if not signature.named:
        kind = v2_datatype(signature.columns[0].type)
        return [{"name": "input", "datatype": kind, "shape": [-1, len(signature.columns)]}]
    return [{"name": c.name, "datatype": v2_datatype(c.type), "shape": [-1]} for c in signature.columns]


def output_spec(name: str, answer: NDArray[Any]) -> OutputSpec:
    """The spec of an output, read off an answer that the model gave."""
    return OutputSpec(name, v2_array_datatype(answer), (-1, *answer.shape[1:]))


def v2_array_datatype(array: NDArray[Any]) -> str:
    """The v2 name of an array's type; an array of objects counts as strings unless all are booleans."""
    if array.dtype == np.dtype(object) and array.size and all(isinstance(v, bool | np.bool_) for v in array.flat):
        return "BOOL"
    if array.dtype.kind in _V2_KINDS:
        return _V2_KINDS[array.dtype.kind]
    return f"{_V2_NUMBERS[array.dtype.kind]}{8 * array.dtype.itemsize}"


def _property(column: Column, values: Sequence[Any]) -> dict[str, Any]:
    content = dict(_JSON_TYPES[column.type])
    if column.categories is not None:
        content["enum"] = [*column.categories, *([] if column.required else [None])]
    elif column.dtype is not None and (own := column.array_dtype).kind in "iu":
        content |= {"minimum": int(np.iinfo(own).min), "maximum": int(np.iinfo(own).max)}
    if column.type in ("string", "datetime") and (texts := [value for value in values if value is not None]):
        content["examples"] = list(dict.fromkeys(texts))
    if not column.required:
        kinds = content["type"]
        content["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
    return content
