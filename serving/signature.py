"""What a model takes: its columns, parsed from the MLmodel file's own signature, without MLflow.

`model.load` makes one `Signature`; the validator, the OpenAPI schema and the v2 metadata are all derived from it, so
they cannot disagree. Nothing here reads a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal, cast, get_args

from .errors import ModelUnloadable

ColumnType = Literal["boolean", "integer", "long", "float", "double", "string", "datetime", "any"]
"""MLflow's types of a scalar column; "any" is a column of which only that it holds scalars is known."""

_TENSOR_TYPES: dict[str, ColumnType] = {
    "bool": "boolean",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "int64": "long",
    "uint8": "integer",
    "uint16": "integer",
    "uint32": "long",
    "uint64": "long",
    "float16": "float",
    "float32": "float",
    "float64": "double",
    "str": "string",
    "object": "any",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One input column. Where `required` is false, null is a value, and the column may be left out."""

    name: str
    type: ColumnType
    required: bool = True


@dataclass(frozen=True)
class Signature:
    """The input columns, in the model's order; their names are unique.

    `named` is false when the model was registered with an unnamed tensor: then the names x0, x1, ... (which
    scikit-learn gives such columns too) are ours, and clients may as well send rows as lists.
    """

    columns: tuple[Column, ...]
    named: bool = True

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in the model's order."""
        return tuple(c.name for c in self.columns)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name, in the model's order."""
        return {c.name: c for c in self.columns}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The columns that every row must have."""
        return tuple(c.name for c in self.columns if c.required)

    @cached_property
    def doubles(self) -> bool:
        """Whether every column is of doubles, so that rows can be one matrix."""
        return all(c.type == "double" for c in self.columns)

    @cached_property
    def values_of(self) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
        """Takes the values out of a row, in the model's order; raises KeyError where one is missing."""
        take = itemgetter(*self.names)
        return take if len(self.names) > 1 else lambda row: (take(row),)


def parse(inputs: str, *, width: int | None) -> Signature:
    """Make a signature from `signature.inputs` of an MLmodel file, which is JSON inside the YAML.

    `width` is the number of features that the model itself knows of (`n_features_in_`), for tensors that leave
    it open.

    Raises:
        ModelUnloadable: an input that is not a table of scalars, or not MLflow's JSON at all.
    """
    try:
        specs = json.loads(inputs)
    except ValueError as e:
        raise ModelUnloadable("The signature in the MLmodel file is not JSON. Register the model again") from e
    if not isinstance(specs, list) or not specs or not all(isinstance(s, dict) for s in cast("list[Any]", specs)):
        raise ModelUnloadable("The signature in the MLmodel file has no inputs. Register the model with an example")
    try:
        return _parsed(cast("list[dict[str, Any]]", specs), width)
    except (AttributeError, IndexError, TypeError) as e:
        raise ModelUnloadable("The signature in the MLmodel file is not as MLflow writes it. Register it again") from e


def _parsed(specs: list[dict[str, Any]], width: int | None) -> Signature:
    if len(specs) == 1 and specs[0].get("type") == "tensor" and "name" not in specs[0]:
        return _unnamed_tensor(specs[0], width)
    columns = tuple(_column(spec, position) for position, spec in enumerate(specs))
    if len({c.name for c in columns}) < len(columns):
        raise ModelUnloadable("Two input columns of the model have the same name. Rename one and register it again")
    return Signature(columns, named="name" in specs[0])


def without_types(names: Sequence[str] | None, *, width: int | None) -> Signature:
    """The signature of a model that was saved without one: columns of any type, by name or by position.

    Raises:
        ModelUnloadable: not even the number of columns is known.
    """
    if names is not None:
        return Signature(tuple(Column(str(name), "any", required=False) for name in names))
    if width is None:
        raise ModelUnloadable(
            "The model was saved without a signature and does not know its own columns. "
            "Register it with an example: platform.register(model, name=..., example=X.head())"
        )
    return Signature(_positional("any", width, required=False), named=False)


def _column(spec: dict[str, Any], position: int) -> Column:
    name = str(spec.get("name", f"x{position}"))
    kind = spec.get("type")
    if kind == "tensor":
        shape = spec.get("tensor-spec", {}).get("shape", [])
        if shape not in ([-1], [-1, 1]):
            raise ModelUnloadable(f"Input '{name}' is a tensor of shape {shape}; only one value per row can be served")
        return Column(name, _tensor_type(spec))
    if kind not in get_args(ColumnType):
        raise ModelUnloadable(f"Input column '{name}' is of type '{kind}'; only scalar columns can be served")
    return Column(name, cast("ColumnType", kind), bool(spec.get("required", True)))


def _unnamed_tensor(spec: dict[str, Any], width: int | None) -> Signature:
    shape = spec.get("tensor-spec", {}).get("shape", [])
    if not isinstance(shape, list) or not 1 <= len(cast("list[Any]", shape)) <= 2:
        raise ModelUnloadable(f"The model takes a tensor of shape {shape}; only rows of scalars can be served")
    columns = 1 if len(shape) == 1 else shape[1] if shape[1] > 0 else width
    if columns is None:
        raise ModelUnloadable("The model's signature leaves the number of columns open. Register it with an example")
    return Signature(_positional(_tensor_type(spec), columns), named=False)


def _tensor_type(spec: dict[str, Any]) -> ColumnType:
    dtype = str(spec.get("tensor-spec", {}).get("dtype"))
    if dtype.startswith("datetime64"):
        return "datetime"
    if dtype not in _TENSOR_TYPES:
        raise ModelUnloadable(f"The model takes a tensor of {dtype}; {', '.join(_TENSOR_TYPES)} can be served")
    return _TENSOR_TYPES[dtype]


def _positional(kind: ColumnType, count: int, *, required: bool = True) -> tuple[Column, ...]:
    return tuple(Column(f"x{i}", kind, required) for i in range(count))
