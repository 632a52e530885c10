"""What a model takes: its columns, as tenfold wrote them beside the model, or else as MLflow's signature has them.

`model.load` makes one `Signature`; the validator, the table that the model is given, the OpenAPI schema and the v2
metadata are all derived from it, so they cannot disagree. Nothing here reads a file or needs MLflow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal, cast, get_args

import numpy as np

from .echo import echo
from .errors import ModelUnloadable

ColumnType = Literal["boolean", "integer", "long", "unsigned", "float", "double", "string", "datetime", "any"]
"""What a value is in a request: MLflow's types of a scalar column, "unsigned" (an integer from 0 to 2**64 - 1), and
"any" (a scalar of which no more is known)."""
Missing = Literal["None", "nan", "NA"]
Container = Literal["table", "matrix", "series", "list"]
"""What the model takes: a DataFrame, an array of [rows, columns], a Series, or a list of the values of one column."""

_FORMAT = 1
# A column of MLflow's that may have gaps was one of these: no other has them in pandas.
_WITH_GAPS: dict[ColumnType, str] = {"boolean": "boolean", "integer": "Int32", "long": "Int64"}
NUMBERS: dict[str, ColumnType] = {
    "bool": "boolean",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "int64": "long",
    "uint8": "integer",
    "uint16": "integer",
    "uint32": "long",
    "uint64": "unsigned",
    "float16": "float",
    "float32": "float",
    "float64": "double",
}
"""The type of numpy's numbers and booleans in requests; of pandas' own ones, which may be missing, in lower case."""
_TENSOR_TYPES: dict[str, ColumnType] = {**NUMBERS, "str": "string", "object": "any"}

FINEST = np.dtype("datetime64[ns]")
"""Of a column of times that are finer than a microsecond, which is the finest that Python has."""
_ARRAYS: dict[ColumnType, str] = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "unsigned": "uint64",
    "float": "float32",
    "double": "float64",
    "string": "object",
    "datetime": "datetime64[us]",
    "any": "object",
}
_OWN_KINDS: dict[ColumnType, str] = {"integer": "iu", "long": "iu", "unsigned": "u", "float": "f", "double": "f"}


@dataclass(frozen=True)
class Column:
    """One input column.

    Attributes:
        name: in requests.
        type: of its values in requests.
        required: false: null is a value, and the column may be left out.
        dtype: that it had in the table the model was fitted on, by pandas' name; None where that is not known. Of a
            categorical column that of its categories.
        missing: what a missing value was, in a column of objects.
        categories: of a categorical column, in order; None for any other.
        ordered: whether these have an order.
        label: of the column in the table, where that is no text.
    """

    name: str
    type: ColumnType
    required: bool = True
    dtype: str | None = None
    missing: Missing = "nan"
    categories: tuple[Any, ...] | None = None
    ordered: bool = False
    label: int | None = None

    @cached_property
    def array_dtype(self) -> np.dtype[Any]:
        """Of the column's values in a `Batch`, where none is missing: its own, or the one of its type."""
        usual = np.dtype(_ARRAYS[self.type])
        if self.dtype is None or self.categories is not None:
            return usual
        if self.type == "datetime":
            return FINEST if self.dtype.startswith(FINEST.name[:-1]) else usual
        try:
            own = np.dtype(self.dtype.lower())  # as Int8 of pandas, too
        except TypeError:
            return usual
        return own if own.kind in _OWN_KINDS.get(self.type, "") else usual

    @cached_property
    def known(self) -> frozenset[Any]:
        """The categories."""
        return frozenset(self.categories or ())


@dataclass(frozen=True)
class Signature:
    """The input columns, in the model's order; their names are unique.

    Those of a matrix have no names of their own: x0, x1, ... (which scikit-learn gives such columns too) are ours, and
    clients may as well send rows as lists.
    """

    columns: tuple[Column, ...]
    container: Container = "table"

    @property
    def named(self) -> bool:
        """Whether the model's columns have names."""
        return self.container != "matrix"

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


def write(signature: Signature) -> str:
    """The signature as `read` takes it: JSON, in which what is as usual is left out."""
    usual = {field.name: field.default for field in fields(Column)}
    columns = [
        {name: value for name, value in asdict(column).items() if value != usual[name]} for column in signature.columns
    ]
    return json.dumps({"format": _FORMAT, "container": signature.container, "columns": columns})


def read(text: str) -> Signature:
    """What `write` has written, which may come from anybody who can write a model's folder.

    Raises:
        ModelUnloadable: it is of another format.
    """
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT:
            raise ModelUnloadable(
                f"The model was registered by another version of tenfold (its signature has format "
                f"{echo(content['format'])}, this version reads {_FORMAT}). Update tenfold here, or register it again"
            )
        columns = tuple(_read_column(column) for column in content["columns"])
        container = _one_of(Container, content["container"])
    except (KeyError, TypeError, ValueError) as e:
        raise ModelUnloadable("The model's signature is not as tenfold writes it. Register the model again") from e
    if not columns or len({c.name for c in columns}) < len(columns):
        raise ModelUnloadable("The model's signature has no columns, or one twice. Register the model again")
    return Signature(columns, container=container)


def _read_column(content: dict[str, Any]) -> Column:
    categories = content.pop("categories", None)
    column = Column(**content, categories=None if categories is None else tuple(categories))
    _one_of(ColumnType, column.type)
    _one_of(Missing, column.missing)
    return column


def _one_of(known: Any, value: Any) -> Any:
    if value not in get_args(known):
        raise ValueError
    return value


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
    return Signature(columns, "table" if "name" in specs[0] else "matrix")


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
    return Signature(_positional("any", width, required=False), "matrix")


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
    known, required = cast("ColumnType", kind), bool(spec.get("required", True))
    return Column(name, known, required, None if required else _WITH_GAPS.get(known))


def _unnamed_tensor(spec: dict[str, Any], width: int | None) -> Signature:
    shape = spec.get("tensor-spec", {}).get("shape", [])
    if not isinstance(shape, list) or not 1 <= len(cast("list[Any]", shape)) <= 2:
        raise ModelUnloadable(f"The model takes a tensor of shape {shape}; only rows of scalars can be served")
    columns = 1 if len(shape) == 1 else shape[1] if shape[1] > 0 else width
    if columns is None:
        raise ModelUnloadable("The model's signature leaves the number of columns open. Register it with an example")
    return Signature(_positional(_tensor_type(spec), columns), "matrix")


def _tensor_type(spec: dict[str, Any]) -> ColumnType:
    dtype = str(spec.get("tensor-spec", {}).get("dtype"))
    if dtype.startswith("datetime64"):
        return "datetime"
    if dtype not in _TENSOR_TYPES:
        raise ModelUnloadable(f"The model takes a tensor of {dtype}; {', '.join(_TENSOR_TYPES)} can be served")
    return _TENSOR_TYPES[dtype]


def _positional(kind: ColumnType, count: int, *, required: bool = True) -> tuple[Column, ...]:
    return tuple(Column(f"x{i}", kind, required) for i in range(count))
