"""Tensors as bytes: the binary tensor extension of the Open Inference Protocol v2, in both directions. Pure.

Numbers are little-endian and row-major, a boolean is one byte, and each element of BYTES is four bytes of length and
then itself. In HTTP they follow the JSON document, whose length a header gives; in gRPC they are the raw contents.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..echo import echo
from ..errors import InvalidInput

HEADER = "Inference-Header-Content-Length"
OCTETS = "application/octet-stream"
_LENGTH = re.compile("[0-9]{1,18}")

DTYPES = {
    "BOOL": "u1",
    **{
        f"{name}{bits}": f"<{kind}{bits // 8}"
        for name, kind in (("INT", "i"), ("UINT", "u"))
        for bits in (8, 16, 32, 64)
    },
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
    "BF16": "<u2",
}
"""How numpy reads the bytes of a datatype; BYTES has no fixed size."""


def split(body: bytes, length: str) -> tuple[bytes, memoryview]:
    """The JSON document of a body and the bytes after it; `length` is what the header says.

    Raises:
        InvalidInput: a length that is not a number, or that is longer than the body.
    """
    if not _LENGTH.fullmatch(length) or int(length) > len(body):
        raise InvalidInput(
            f"{HEADER} is '{echo(length, limit=40)}', but the body has {len(body)} bytes. "
            f"Send the length of its JSON part"
        )
    return body[: int(length)], memoryview(body)[int(length) :]


def decode(name: str, datatype: str, shape: tuple[int, ...], data: memoryview) -> NDArray[Any] | list[Any]:
    """The values of the input `name` in row-major order.

    Raises:
        InvalidInput: bytes that disagree with the shape, or a string that is not valid UTF-8.
    """
    count = math.prod(shape)
    if datatype == "BYTES":
        return _strings(name, count, data)
    needed = count * np.dtype(DTYPES[datatype]).itemsize
    if len(data) != needed:
        raise InvalidInput(
            f"The input '{echo(name)}' has {len(data)} bytes, but {datatype} of the shape {echo(shape)} "
            f"needs {needed}. Correct one of them"
        )
    values = np.frombuffer(data, DTYPES[datatype])
    if datatype == "BOOL":
        return values != 0
    if datatype == "BF16":  # the upper half of a float of 32 bits
        return (values.astype("<u4") << 16).view("<f4")
    return values


def encode(values: NDArray[Any], datatype: str) -> bytes:
    """The bytes of an output."""
    if datatype == "BYTES":
        encoded = [str(value).encode() for value in values.ravel().tolist()]
        return b"".join(len(value).to_bytes(4, "little") + value for value in encoded)
    return values.astype(DTYPES[datatype], copy=False).tobytes()


def _strings(name: str, count: int, data: memoryview) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(data):
        start = at + 4
        at = start + int.from_bytes(data[at:start], "little")
        if at > len(data):
            raise InvalidInput(
                f"The input '{echo(name)}' is cut off in its element {len(found)} (counted from 0). "
                f"Send each element as four bytes of its length, little-endian, and then the element"
            )
        try:
            found.append(str(data[start:at], "utf-8"))
        except UnicodeDecodeError as e:
            raise InvalidInput(
                f"The element {len(found)} (counted from 0) of the input '{echo(name)}' is not in UTF-8. Send UTF-8"
            ) from e
    if len(found) != count:
        raise InvalidInput(
            f"The input '{echo(name)}' has {len(found)} elements, but its shape says {count}. Correct one"
        )
    return found
