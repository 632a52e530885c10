"""Rows to compare a compiled form with its model on, besides the example: what each column's type can hold.

`compiled` needs them when a model is registered, and when it is loaded. Each batch has one kind of value, put into
one column after the other of the example's rows. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .errors import InvalidInput
from .signature import Column, Signature
from .validation import Batch, from_rows

Change = Callable[[object], object]

_MOST_ROWS = 32
"""Of a batch; of a wider model, a row has the value in several columns."""
_WHOLE = (0, -1, 2**24 - 1, 2**24 + 1, -(2**24) - 1, 2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63))
_LARGEST_FLOAT = 3.4e38  # of 32 bits, nearly
_REAL = (0.0, -0.0, 1e-300, -1e9, 2.0**24 + 1, 2.0**53, _LARGEST_FLOAT, 1e300, -1e300)
_TEXTS = ("", "\N{SNOWMAN} of no category", "A" * 300)


def batches(signature: Signature, example: Sequence[Mapping[str, Any]]) -> Iterator[Batch]:
    """Checked rows; none of what the signature does not allow."""
    for number in range(max(map(len, (_WHOLE, _REAL, _TEXTS))) + 6):
        changes = [(column.name, _value(column, number)) for column in signature.columns]
        changes = [(name, change) for name, change in changes if change is not None]
        rows = [dict(example[at % len(example)]) for at in range(min(_MOST_ROWS, len(changes)))]
        for at, (name, change) in enumerate(changes):
            row = rows[at % len(rows)]
            row[name] = change(row[name])
        if not rows:
            continue
        try:
            yield from_rows(signature, rows, max_rows=len(rows))
        except InvalidInput:
            # Together they are of no use, such as a column of "any" type that becomes one of mixed types.
            continue


def _value(column: Column, number: int) -> Change | None:
    """How the value of this number is made of the example's; None: the column has no such value."""
    if number == 0:
        return None if column.required else _always(None)
    if column.categories is not None:
        return _of([*map(_always, column.categories)], number - 1)
    match column.type:
        case "integer" | "long" | "unsigned":
            bounds = np.iinfo(column.array_dtype)
            whole = [value for value in _WHOLE if bounds.min <= value <= bounds.max]
            return _of([_always(value) for value in whole], number - 1)
        case "float" | "double" | "any":
            near: list[Change] = [
                lambda given: math.nextafter(_number(given), math.inf),
                lambda given: math.nextafter(_number(given), -math.inf),
                lambda given: _number(given) * (1 + 1e-9),
                lambda given: _number(given) * 1.5,
            ]
            real = [value for value in _REAL if column.type == "double" or abs(value) <= _LARGEST_FLOAT]
            return None if column.type == "any" else _of([*near, *map(_always, real)], number - 1)
        case "string":
            return _of([*map(_always, _TEXTS)], number - 1)
        case "boolean":
            return _of([_always(True), _always(False)], number - 1)
        case _:
            return None


def _always(value: object) -> Change:
    return lambda _: value


def _of(changes: Sequence[Change], number: int) -> Change | None:
    return changes[number] if number < len(changes) else None


def _number(given: object) -> float:
    return float(given) if isinstance(given, int | float) else 1.0
