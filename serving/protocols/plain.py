"""The requests that nearly all clients send: of v2 one tensor of floats, flat, in JSON; of /predict rows of numbers; of
MLflow a data frame of numbers, split, with the model's columns.

They are read in one step, into types, and their values packed as they lie in memory. Whatever is not exactly of this
form, or wrong, is left to `infer`, `predict` and `frames`, which take everything and say what is wrong. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, MsgspecError, Struct, defstruct, json
from msgspec.structs import astuple

from .infer import LONGEST_ID

# msgspec looks for a column beginning with the one after the last: columns in another order take a time that grows
# with the square of their number.
_MOST_COLUMNS = 64


class _Tensor(Struct, gc=False, forbid_unknown_fields=True):
    shape: tuple[int, int]
    datatype: Literal["FP64", "FP32"]
    data: list[float]
    name: str
    parameters: None = None


class _Output(Struct, gc=False, forbid_unknown_fields=True):
    name: str
    parameters: None = None


class _Request(Struct, gc=False, forbid_unknown_fields=True):
    inputs: tuple[_Tensor]
    outputs: tuple[_Output, ...] | None = None
    id: Annotated[str, Meta(max_length=LONGEST_ID)] | None = None
    parameters: None = None


class _Split(Struct, gc=False, forbid_unknown_fields=True):
    data: list[list[float]]
    columns: tuple[str, ...]
    index: list[Any] | None = None


class _Frame(Struct, gc=False, forbid_unknown_fields=True):
    dataframe_split: _Split


_read = json.Decoder(_Request).decode
_read_frame = json.Decoder(_Frame).decode


class PlainRequest(NamedTuple):
    """Finite doubles of whole rows as they lie in memory, the requested outputs (none: all), and the id."""

    values: bytes
    outputs: tuple[str, ...]
    id: str | None


def read(body: bytes, width: int) -> PlainRequest | None:
    """The request for rows of `width` values; None for one of another form."""
    try:
        request = _read(body)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    tensor: Any = request.inputs[0]
    rows, columns = tensor.shape
    if columns != width or rows < 1 or len(tensor.data) != rows * columns:
        return None
    outputs = tuple([output.name for output in request.outputs]) if request.outputs else ()
    return PlainRequest(_packer(len(tensor.data))(*tensor.data), outputs, request.id)


class PlainRows(NamedTuple):
    """As `PlainRequest`; `outputs` is None where the request names none."""

    values: bytes
    outputs: tuple[str, ...] | None


def rows(body: bytes, names: tuple[str, ...]) -> PlainRows | None:
    """The request to /predict for rows of a number for each of `names`; None for one of another form."""
    decode = _rows_decoder(names)
    if decode is None:
        return None
    try:
        request = decode(body)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not request.rows or request.outputs == ():
        return None
    values = astuple(request.rows[0]) if len(request.rows) == 1 else (*chain.from_iterable(map(astuple, request.rows)),)
    return PlainRows(_packer(len(values))(*values), request.outputs)


def frame(body: bytes, names: tuple[str, ...]) -> bytes | None:
    """The doubles in a request for a data frame of the columns `names`; None for one of another form."""
    try:
        split: Any = _read_frame(body).dataframe_split
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    data, width = split.data, len(names)
    if split.columns != names or not data or (split.index is not None and len(split.index) != len(data)):
        return None
    if any(len(row) != width for row in data):
        return None
    values = data[0] if len(data) == 1 else [*chain.from_iterable(data)]
    return _packer(len(values))(*values)


@lru_cache(4)
def _rows_decoder(names: tuple[str, ...]) -> Callable[[bytes], Any] | None:
    # What has to be escaped in JSON, msgspec takes for no key.
    if len(names) > _MOST_COLUMNS or any(json.encode(name) != f'"{name}"'.encode() for name in names):
        return None
    fields = [f"f{number}" for number in range(len(names))]
    row = defstruct(
        "Row",
        [(name, float) for name in fields],
        rename=dict(zip(fields, names, strict=True)),
        forbid_unknown_fields=True,
        gc=False,
    )
    request = defstruct(
        "Rows",
        [("rows", list[row]), ("outputs", tuple[str, ...] | None, None)],
        forbid_unknown_fields=True,
        gc=False,
    )
    return json.Decoder(request).decode


@lru_cache(64)
def _packer(count: int) -> Callable[..., bytes]:
    return struct.Struct(f"{count}d").pack
