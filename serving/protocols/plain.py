"""The request of the Open Inference Protocol v2 that nearly all clients send: one tensor of floats, flat, in JSON.

It is read in one step, into types. Whatever is not exactly of this form, or wrong, is left to `infer`, which takes
everything and says what is wrong. Pure.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from msgspec import MsgspecError, Struct, json
from numpy.typing import NDArray


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
    id: str | None = None
    parameters: None = None


_read = json.Decoder(_Request).decode


class PlainRequest(NamedTuple):
    """Values of whole rows in row-major order, the outputs asked for (none: all), and the request's own id."""

    values: NDArray[np.float64]
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
    return PlainRequest(np.fromiter(tensor.data, np.float64, len(tensor.data)), outputs, request.id)
