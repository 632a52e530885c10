"""The input tensors of the Open Inference Protocol v2, and the rows that they hold. Pure.

Clients send rows in two layouts, one tensor of [rows, columns] or one tensor per column, and values nested or flat in
JSON, or as bytes. What the values may be is not decided here but by the one validator, in `Core`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

from numpy.typing import NDArray

from ..core import Core
from ..echo import echo
from ..errors import InvalidInput
from ..validation import Batch
from ..values import shown
from . import binary

_NULL = type(None)  # a missing value, whatever the datatype
_NUMBERS: frozenset[type] = frozenset({int, float, _NULL})
_JSON_TYPES: dict[str, frozenset[type]] = {
    "BOOL": frozenset({bool, _NULL}),
    "BYTES": frozenset({str, _NULL}),
    **{f"{sign}INT{bits}": frozenset({int, _NULL}) for sign in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": _NUMBERS for bits in (16, 32, 64)},
    "BF16": _NUMBERS,
}
DATATYPES = tuple(_JSON_TYPES)
_RANGES = {
    **{f"INT{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}

_MOST_DIMENSIONS, _LARGEST_SIZE = 8, 2**63 - 1


class Tensor(NamedTuple):
    """One input: its values in row-major order, as many as `shape` says."""

    name: str
    shape: tuple[int, ...]
    data: list[Any] | NDArray[Any]


def tensor(name: str, content: dict[str, Any]) -> Tensor:
    """The input `name` with its values in JSON.

    Raises:
        InvalidInput: a part that is missing or malformed, or data that disagree with their shape or datatype.
    """
    shape, datatype = described(name, content)
    data = content.get("data")
    if not isinstance(data, list):
        raise InvalidInput(f"The input '{echo(name)}' has no \"data\" that is a list. Send its values as JSON")
    flat = _flat(name, shape, cast("list[Any]", data))
    _check_types(name, datatype, flat)
    return Tensor(name, shape, flat)


def described(name: str, content: dict[str, Any]) -> tuple[tuple[int, ...], str]:
    """Shape and datatype of the input `name`.

    Raises:
        InvalidInput: a shape that is not a list of sizes, or a datatype that the protocol does not have.
    """
    shape, datatype = content.get("shape"), content.get("datatype")
    if not _is_shape(shape):
        raise InvalidInput(
            f"The input '{echo(name)}' has the shape {shown(shape, typed=False)}. "
            f"Send a list of at most {_MOST_DIMENSIONS} sizes, such as [1] or [1, 4]"
        )
    if not isinstance(datatype, str) or datatype not in _JSON_TYPES:
        raise InvalidInput(
            f"The input '{echo(name)}' has the datatype {shown(datatype, typed=False)}. "
            f"Send one of {', '.join(_JSON_TYPES)}"
        )
    return tuple(cast("list[int]", shape)), datatype


def _is_shape(shape: object) -> bool:
    # The number of sizes comes first: the product of many takes the square of their number.
    if not isinstance(shape, list) or not 1 <= len(cast("list[Any]", shape)) <= _MOST_DIMENSIONS:
        return False
    return all(type(size) is int and 0 <= size <= _LARGEST_SIZE for size in cast("list[Any]", shape))


def from_bytes(name: str, content: dict[str, Any], data: memoryview) -> Tensor:
    """The input `name` with its values as bytes. Raises as `tensor` does."""
    shape, datatype = described(name, content)
    return Tensor(name, shape, binary.decode(name, datatype, shape, data))


def from_array(name: str, content: dict[str, Any], values: NDArray[Any]) -> Tensor:
    """The input `name` with its values in row-major order. Raises as `tensor` does."""
    shape, datatype = described(name, content)
    _check_number(name, shape, len(values))
    if datatype in _RANGES:
        low, high = _RANGES[datatype]
        _check_range(name, datatype, values[(values < low) | (values > high)])
    return Tensor(name, shape, values)


def check_names(names: Iterable[str]) -> None:
    """Whether every input comes once.

    Raises:
        InvalidInput: one comes twice.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidInput(f"The input '{echo(name)}' comes twice. Send each tensor once")
        seen.add(name)


def batch(core: Core, inputs: Sequence[Tensor]) -> Batch:
    """The rows that the inputs hold, checked.

    Raises:
        InvalidInput: a layout that is neither of the two, or rows that the model cannot take.
        TooManyRows: more rows than `max_rows`.
    """
    first = inputs[0]
    signature = core.model.signature
    if len(inputs) > 1 or len(first.shape) != 2 or (first.shape[1] == 1 and first.name in signature.by_name):
        return core.columns(_columns(inputs))
    rows, width = first.shape
    if width == 0:
        raise InvalidInput(
            f"The input '{echo(first.name)}' has the shape {echo(first.shape)}. Send at least one column"
        )
    if rows and width == len(signature.columns):
        return core.flat(first.data)
    # Refused, for its first row as well as for all of them, of which there may be millions.
    return core.matrix([list(first.data[:width])] if rows else [])


def _columns(inputs: Sequence[Tensor]) -> dict[str, list[Any] | NDArray[Any]]:
    for each in inputs:
        if not (len(each.shape) == 1 or (len(each.shape) == 2 and each.shape[1] == 1)):
            raise InvalidInput(
                f"The input '{echo(each.name)}' has the shape {echo(each.shape)}. Send either one tensor of "
                f"[rows, columns], or one of [rows] for each column"
            )
    return {each.name: each.data for each in inputs}


def _check_types(name: str, datatype: str, flat: list[Any]) -> None:
    allowed = _JSON_TYPES[datatype]
    if not allowed.issuperset(map(type, flat)):
        wrong = next(value for value in flat if type(value) not in allowed)
        raise InvalidInput(
            f"The input '{echo(name)}' is said to be {datatype} but holds {shown(wrong, typed=False)}. "
            f"Correct one of them"
        )
    if datatype in _RANGES:
        low, high = _RANGES[datatype]
        _check_range(name, datatype, [value for value in flat if value is not None and not low <= value <= high])


def _check_range(name: str, datatype: str, outside: Sequence[Any] | NDArray[Any]) -> None:
    if len(outside):
        raise InvalidInput(
            f"The input '{echo(name)}' is said to be {datatype} but holds {echo(outside[0])}. Correct one of them"
        )


def _check_number(name: str, shape: tuple[int, ...], values: int) -> None:
    if values != math.prod(shape):
        raise InvalidInput(
            f"The input '{echo(name)}' has {values} values, but its shape {echo(shape)} says {math.prod(shape)}. "
            f"Correct one of them"
        )


def _flat(name: str, shape: tuple[int, ...], data: list[Any]) -> list[Any]:
    """The values in row-major order, from a flat list or from lists nested as `shape` says."""
    if list not in map(type, data):
        _check_number(name, shape, len(data))
        return data
    level: list[Any] = [data]
    for size in shape:
        if not all(isinstance(item, list) and len(cast("list[Any]", item)) == size for item in level):
            raise InvalidInput(f"The data of the input '{echo(name)}' are not nested as its shape {echo(shape)} says")
        level = list(chain.from_iterable(level))
    return level
