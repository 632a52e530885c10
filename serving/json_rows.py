"""Rows of numbers as JSON objects, a text for each row, in one step for all rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

Array = np.ndarray[Any, Any]


def of_matrix(names: tuple[str, ...], matrix: Array) -> list[str]:
    """Of finite numbers, [rows, columns]; `names` are those of the columns."""
    # A text holds no line break that is not escaped.
    text = "\n".join([_template(names)] * len(matrix)) % tuple(_numbers(matrix).split(","))
    return text.split("\n")


def of_outputs(outputs: Mapping[str, Array]) -> list[str] | None:
    """Of arrays with a number or some numbers a row, an entry of the object each.

    None where one of them holds anything else.
    """
    columns: list[list[str]] = []
    for name, values in outputs.items():
        if values.dtype.kind not in "biuf" or values.ndim > 2 or not values.size:
            return None
        cells = _numbers(values).split(",") if values.ndim == 1 else _numbers(values, flat=False)[1:-1].split("],[")
        field = f"{_text(name)}:[%s]" if values.ndim > 1 else f"{_text(name)}:%s"
        columns.append([field % cell for cell in cells])
    return ["{" + ",".join(fields) + "}" for fields in zip(*columns, strict=True)]


def _numbers(values: Array, *, flat: bool = True) -> str:
    values = np.ascontiguousarray(values)
    return orjson.dumps(values.ravel() if flat else values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode()


@lru_cache(maxsize=64)
def _template(names: tuple[str, ...]) -> str:
    return "{" + ",".join(f"{_text(name)}:%s" for name in names) + "}"


def _text(name: str) -> str:
    return orjson.dumps(name).decode().replace("%", "%%")
