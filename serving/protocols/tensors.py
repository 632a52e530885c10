"""The JSON bodies of the Open Inference Protocol v2: tensors in, tensors out. Pure.

Clients send rows in two layouts, one tensor of [rows, columns] or one tensor per column, and `data` nested or flat.
What the values may be is not decided here but by the one validator, in `Core`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from ..core import Prediction
from ..errors import InvalidInput
from ..schema import OutputSpec
from ..signature import Signature
from .bodies import values

_NUMBERS: frozenset[type] = frozenset({int, float})
_JSON_TYPES: dict[str, frozenset[type]] = {
    "BOOL": frozenset({bool}),
    "BYTES": frozenset({str}),
    **{f"{sign}INT{bits}": frozenset({int}) for sign in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": _NUMBERS for bits in (16, 32, 64)},
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input: its values in row-major order, as many as `shape` says."""

    name: str
    shape: tuple[int, ...]
    data: list[Any]


@dataclass(frozen=True, slots=True)
class InferRequest:
    """What was asked; `outputs` is None when the request names none, which means all."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[str, ...] | None
    id: str | None


def take(document: dict[str, Any]) -> InferRequest:
    """Read a request; parameters are tolerated and mean nothing here.

    Raises:
        InvalidInput: a part that is missing or malformed, or data that disagree with their shape or datatype.
    """
    inputs = _objects(document.get("inputs"), "inputs", '{"name", "shape", "datatype", "data"}')
    if not inputs:
        raise InvalidInput('The request has no "inputs". Send {"inputs": [{"name", "shape", "datatype", "data"}]}')
    identity = document.get("id")
    if identity is not None and not isinstance(identity, str):
        raise InvalidInput(f'The "id" of the request is {identity!r}, no string. Send a string, or leave it out')
    tensors = tuple(_tensor(tensor) for tensor in inputs)
    names = [tensor.name for tensor in tensors]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(f"The input '{twice}' comes twice. Send each tensor once")
    outputs = _objects(document.get("outputs"), "outputs", '{"name"}')
    return InferRequest(tensors, tuple(_name(output, "outputs") for output in outputs) or None, identity)


def matrix(inputs: Sequence[Tensor], signature: Signature) -> list[list[Any]] | None:
    """The rows, if they came as one tensor of [rows, columns]; None if each column came as a tensor of its own.

    Raises:
        InvalidInput: a tensor without columns.
    """
    first = inputs[0]
    if len(inputs) > 1 or len(first.shape) != 2 or (first.name in signature.by_name and first.shape[1] == 1):
        return None
    width = first.shape[1]
    if width == 0:
        raise InvalidInput(f"The input '{first.name}' has the shape {list(first.shape)}. Send at least one column")
    return [first.data[at : at + width] for at in range(0, len(first.data), width)]


def columns(inputs: Sequence[Tensor]) -> dict[str, list[Any]]:
    """The values by column.

    Raises:
        InvalidInput: a tensor that holds more than one value per row.
    """
    for tensor in inputs:
        if not (len(tensor.shape) == 1 or (len(tensor.shape) == 2 and tensor.shape[1] == 1)):
            raise InvalidInput(
                f"The input '{tensor.name}' has the shape {list(tensor.shape)}. Send either one tensor of "
                f"[rows, columns], or one of [rows] for each column"
            )
    return {tensor.name: tensor.data for tensor in inputs}


def answer(request: InferRequest, prediction: Prediction, specs: Sequence[OutputSpec]) -> dict[str, Any]:
    """The answer. The predictions' ids, which feedback needs, are its parameter "ids", separated by commas."""
    by_name = {spec.name: spec for spec in specs}
    content: dict[str, Any] = {"model_name": prediction.model, "model_version": prediction.version}
    if request.id is not None:
        content["id"] = request.id
    content["parameters"] = {"ids": ",".join(prediction.ids)}
    content["outputs"] = [
        {
            "name": name,
            "shape": list(output.shape),
            "datatype": by_name[name].datatype,
            "data": values(output.ravel()),
        }
        for name, output in prediction.outputs.items()
    ]
    return content


def _objects(value: object, key: str, pattern: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in cast("list[Any]", value)):
        raise InvalidInput(f'"{key}" is no list of objects. Send "{key}": [{pattern}]')
    return cast("list[dict[str, Any]]", value)


def _name(content: dict[str, Any], where: str) -> str:
    name = content.get("name")
    if not isinstance(name, str):
        raise InvalidInput(f'One of the "{where}" has no "name" that is a string. Send {{"name": "...", ...}}')
    return name


def _tensor(content: dict[str, Any]) -> Tensor:
    name = _name(content, "inputs")
    shape, datatype, data = content.get("shape"), content.get("datatype"), content.get("data")
    if not isinstance(shape, list) or not shape or not all(type(n) is int and n >= 0 for n in cast("list[Any]", shape)):
        raise InvalidInput(f"The input '{name}' has the shape {shape!r}. Send a list of sizes, such as [1] or [1, 4]")
    if not isinstance(datatype, str) or datatype not in _JSON_TYPES:
        raise InvalidInput(f"The input '{name}' has the datatype {datatype!r}. Send one of {', '.join(_JSON_TYPES)}")
    if not isinstance(data, list):
        raise InvalidInput(f"The input '{name}' has no \"data\" that is a list. Send its values as JSON")
    sizes = tuple(cast("list[int]", shape))
    flat = _flat(name, sizes, cast("list[Any]", data))
    allowed = _JSON_TYPES[datatype] | {type(None)}
    if not set(map(type, flat)) <= allowed:
        wrong = next(value for value in flat if type(value) not in allowed)
        raise InvalidInput(f"The input '{name}' is said to be {datatype} but holds {wrong!r}. Correct one of them")
    return Tensor(name, sizes, flat)


def _flat(name: str, shape: tuple[int, ...], data: list[Any]) -> list[Any]:
    """The values in row-major order, from a flat list or from lists nested as `shape` says."""
    if not any(isinstance(item, list) for item in data):
        if len(data) != math.prod(shape):
            raise InvalidInput(
                f"The input '{name}' has {len(data)} values, but its shape {list(shape)} says {math.prod(shape)}. "
                f"Correct one of them"
            )
        return data
    level: list[Any] = [data]
    for size in shape:
        if not all(isinstance(item, list) and len(cast("list[Any]", item)) == size for item in level):
            raise InvalidInput(f"The data of the input '{name}' are not nested as its shape {list(shape)} says")
        level = list(chain.from_iterable(level))
    return level
