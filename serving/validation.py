"""The one validator: rows or columns as a client sent them become a `Batch`, or a sentence says why not.

Every protocol goes through here, by way of `Core`. A column that is plainly clean is converted in one numpy call;
any other goes value by value through `values.convert`, which alone decides what is right and names what is wrong.
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from . import json_rows
from .echo import echo
from .errors import InvalidInput, TooManyRows
from .signature import FINEST, Column, ColumnType, Signature
from .values import convert, shown

Array = NDArray[Any]
Values = Sequence[Any] | Array

_CLEAN_TYPES: dict[ColumnType, frozenset[type]] = {
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "long": frozenset({int}),
    "unsigned": frozenset({int}),
    "float": frozenset({int, float}),
    "double": frozenset({int, float}),
    "string": frozenset({str}),
}
_NUMBERS = frozenset({int, float})
_CLEAN_KINDS: dict[ColumnType, str] = {
    "boolean": "b",
    "integer": "i",
    "long": "i",
    "unsigned": "u",
    "float": "fiu",
    "double": "fiu",
    "datetime": "M",
}


_DOUBLES = (np.dtype("float64"),)
# A name that is longer, or mistyped by more, is not a typing error; comparing two takes the square of their length.
_LONGEST_MISTAKEN, _MOST_MISTYPED, _MOST_COMPARED = 60, 4, 100


class Batch:
    """Checked rows: by column in the model's order, and where all columns are doubles as a matrix too. Not changed.

    Attributes:
        rows: how many there are.
        kind: equal for batches that can be joined without a change of any value.
    """

    __slots__ = ("_columns", "_matrix", "_names", "_packed", "kind", "rows")

    def __init__(self, columns: dict[str, Array], rows: int) -> None:
        """Every column has `rows` values."""
        self._columns: dict[str, Array] | None = columns
        self._names = tuple(columns)
        self._matrix: Array | None = None
        self._packed: bytes | bytearray | None = None
        self.kind: tuple[object, ...] = ("columns", *[array.dtype for array in columns.values()])
        self.rows = rows

    @classmethod
    def of_matrix(cls, names: tuple[str, ...], matrix: Array) -> Batch:
        """Rows of columns of one type, [rows, columns]; much quicker to make, to join and to predict from."""
        batch = cls.__new__(cls)
        batch._columns, batch._names, batch._matrix, batch._packed = None, names, matrix, None
        batch.kind, batch.rows = _DOUBLES, len(matrix)
        return batch

    @classmethod
    def of_packed(cls, names: tuple[str, ...], packed: bytes | bytearray, rows: int) -> Batch:
        """Rows of doubles as they lie in memory, row by row; cheap to join."""
        batch = cls.__new__(cls)
        batch._columns, batch._names, batch._matrix, batch._packed = None, names, None, packed
        batch.kind, batch.rows = _DOUBLES, rows
        return batch

    @classmethod
    def joined(cls, batches: Sequence[Batch]) -> Batch:
        """All rows of some batches of the same model and `kind`, in order."""
        if len(batches) == 1:
            return batches[0]
        first = batches[0]
        if first.kind is _DOUBLES:
            packed = [b._packed for b in batches if b._packed is not None]
            if len(packed) == len(batches):
                return cls.of_packed(first._names, bytearray().join(packed), sum([b.rows for b in batches]))
            return cls.of_matrix(first._names, np.concatenate([cast("Array", b.matrix) for b in batches]))
        columns = {name: np.concatenate([b.columns[name] for b in batches]) for name in first.columns}
        return cls(columns, sum(b.rows for b in batches))

    @property
    def columns(self) -> dict[str, Array]:
        """The values of each column."""
        if self._columns is None:
            self._columns = dict(zip(self._names, cast("Array", self.matrix).T, strict=True))
        return self._columns

    @property
    def matrix(self) -> Array | None:
        """The rows as [rows, columns] where all columns are doubles."""
        if self._matrix is None and self._packed is not None:
            # A model may want to change its input: an array over bytes could not be.
            changeable = self._packed if isinstance(self._packed, bytearray) else bytearray(self._packed)
            self._matrix = np.frombuffer(changeable).reshape(self.rows, len(self._names))
        return self._matrix

    def part(self, start: int, stop: int) -> Batch:
        """The rows from `start` to `stop`."""
        if self.matrix is not None:
            return Batch.of_matrix(self._names, self.matrix[start:stop])
        return Batch({name: array[start:stop] for name, array in self.columns.items()}, stop - start)

    def logged(self) -> list[str] | list[dict[str, Any]]:
        """The rows as the log takes them: as JSON where that is quick to make, else as JSON values."""
        if self.matrix is not None and np.isfinite(self.matrix).all():
            return json_rows.of_matrix(self._names, self.matrix)
        return self.records()

    def records(self) -> list[dict[str, Any]]:
        """The rows as JSON values: missing values are None, times ISO 8601."""
        names = self._names
        if self.matrix is not None and np.isfinite(self.matrix).all():
            return [dict(zip(names, row, strict=True)) for row in self.matrix.tolist()]
        return [dict(zip(names, row, strict=True)) for row in zip(*map(_jsonable, self.columns.values()), strict=True)]


def from_rows(signature: Signature, rows: object, max_rows: int) -> Batch:
    """Check a JSON list of rows: objects by column name, or lists in the model's order.

    Raises:
        InvalidInput: no rows, an unknown or missing column, or a value of a wrong type.
        TooManyRows: more than `max_rows`.
    """
    if not isinstance(rows, list):
        raise InvalidInput(f"Rows come as a list of objects, not as {shown(rows)}. Send {_pattern(signature)}")
    rows = cast("list[Any]", rows)
    _check_count(len(rows), max_rows)
    if isinstance(rows[0], list):
        return from_matrix(signature, rows, max_rows)
    if signature.doubles and (matrix := _doubles(signature, cast("list[dict[str, Any]]", rows))) is not None:
        return Batch.of_matrix(signature.names, matrix)
    complete = signature.by_name.keys()
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InvalidInput(
                f"Row {number} (counted from 0) is {shown(row)}, not an object. Send {_pattern(signature)}"
            )
        if row.keys() != complete:
            _check_names(signature, cast("dict[str, Any]", row), f" in row {number} (counted from 0)")
    whole = cast("list[dict[str, Any]]", rows)
    return _batch(
        signature,
        {
            c.name: _check(c, [row[c.name] for row in whole] if c.required else [row.get(c.name) for row in whole])
            for c in signature.columns
        },
        len(whole),
    )


def from_packed(signature: Signature, packed: bytes, max_rows: int) -> Batch:
    """Check the number of rows of finite doubles as they lie in memory. Raises as `from_rows` does."""
    rows = len(packed) // (8 * len(signature.columns))
    _check_count(rows, max_rows)
    return Batch.of_packed(signature.names, packed, rows)


def from_columns(signature: Signature, columns: Mapping[str, Values], max_rows: int) -> Batch:
    """Check values by column name: lists, or arrays of one dimension. Raises as `from_rows` does."""
    _check_names(signature, columns, "")
    for name, values in columns.items():
        if not isinstance(values, list | np.ndarray):
            raise InvalidInput(
                f"Column '{echo(name)}' is {shown(values)}, not a list. Send a list with one value per row"
            )
    lengths = {name: len(values) for name, values in columns.items()}
    rows = max(lengths.values(), default=0)
    for name, length in lengths.items():
        if length != rows:
            raise InvalidInput(
                f"Column '{echo(name)}' has {length} values, but another column has {rows}. Send equally many"
            )
    _check_count(rows, max_rows)
    checked = {c.name: _check(c, columns.get(c.name, [None] * rows)) for c in signature.columns}
    return _batch(signature, checked, rows)


def from_flat(signature: Signature, values: Values, max_rows: int) -> Batch:
    """Check values in row-major order, as many columns as the model has. Raises as `from_rows` does."""
    width = len(signature.columns)
    _check_count(len(values) // width, max_rows)
    if signature.doubles and (flat := _finite(values)) is not None:
        return Batch.of_matrix(signature.names, flat.reshape(-1, width))
    return from_columns(signature, {name: values[at::width] for at, name in enumerate(signature.names)}, max_rows)


def from_matrix(signature: Signature, rows: object, max_rows: int, names: Sequence[str] | None = None) -> Batch:
    """Check rows of values by position, in the model's order or in that of `names`. Raises as `from_rows` does."""
    order = signature.names if names is None else tuple(names)
    width = len(order)
    if names is not None:
        counts = Counter(order)
        if len(counts) < width:
            raise InvalidInput(f"Column '{echo(counts.most_common(1)[0][0])}' is named twice. Send each column once")
        _check_names(signature, counts, "")
    if isinstance(rows, np.ndarray):
        matrix = cast("Array", rows)
        if matrix.ndim != 2 or matrix.shape[1] != width:
            raise InvalidInput(f"The tensor has shape {list(matrix.shape)}; send [rows, {width}], {_listed(order)}")
        return from_columns(signature, dict(zip(order, matrix.T, strict=True)), max_rows)
    if not isinstance(rows, list):
        raise InvalidInput(f"Rows come as a list of lists, not as {shown(rows)}. Send [[...], ...], {_listed(order)}")
    for number, row in enumerate(cast("list[Any]", rows)):
        if not isinstance(row, list):
            raise InvalidInput(f"Row {number} (counted from 0) is {shown(row)}, not a list. Send {_listed(order)}")
        if len(cast("list[Any]", row)) != width:
            raise InvalidInput(
                f"Row {number} (counted from 0) has {len(cast('list[Any]', row))} values; "
                f"{'the model takes' if names is None else 'the request names'} {width}, {_listed(order)}"
            )
    _check_count(len(cast("list[Any]", rows)), max_rows)
    if order == signature.names:
        return from_flat(signature, [*chain.from_iterable(cast("list[list[Any]]", rows))], max_rows)
    transposed = [list(column) for column in zip(*cast("list[list[Any]]", rows), strict=True)]
    return from_columns(signature, dict(zip(order, transposed, strict=True)), max_rows)


def _batch(signature: Signature, columns: dict[str, Array], rows: int) -> Batch:
    if signature.doubles:
        return Batch.of_matrix(signature.names, np.column_stack(tuple(columns.values())))
    return Batch(columns, rows)


def _doubles(signature: Signature, rows: list[dict[str, Any]]) -> Array | None:
    """All rows in one step; None where a look at every single value is needed."""
    take, width = signature.values_of, len(signature.columns)
    try:
        values = [take(row) for row in rows if len(row) == width]
    except (KeyError, TypeError):
        return None
    if len(values) < len(rows):
        return None
    flat = _finite(values[0] if len(values) == 1 else [*chain.from_iterable(values)])
    return None if flat is None else flat.reshape(-1, width)


def _finite(values: Values) -> Array | None:
    """The values as doubles in one step; None where a look at every single value is needed."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "fiu":
            return None
        # What lies in a request's bytes cannot be changed, which a model may want to do with its input.
        doubles = values.astype("float64", copy=not values.flags.writeable)
        # Finite only if each is, and costs a fifth of checking each; large numbers are checked one by one.
        return doubles if math.isfinite(doubles.dot(doubles)) or np.isfinite(doubles).all() else None
    if not _NUMBERS.issuperset(map(type, values)):
        return None
    try:
        # The sum of all is finite only if each is; it costs a fifth of checking each.
        return np.array(values, "float64") if math.isfinite(sum(values)) else None
    except OverflowError:
        return None


def _check(column: Column, values: Values) -> Array:
    kind = column.type
    if isinstance(values, np.ndarray):
        array = _cast(values, column) if _is_clean(values, column) else None
        values = cast("list[Any]", values.tolist()) if values.dtype.kind != "M" else list(values)
    else:
        # A set of types costs more than it saves on the one or two rows of most requests.
        clean = len(values) > 4 and set(map(type, values)) <= _CLEAN_TYPES.get(kind, frozenset())
        array = _cast(values, column) if clean and column.categories is None else None
    if array is not None:
        return array
    converted = [convert(column, value, row) for row, value in enumerate(values)]
    if kind == "any":
        strings = any(isinstance(v, str | datetime) for v in converted)
        return np.array(converted, dtype="object" if strings or column.dtype == "object" else None)
    own = column.array_dtype
    if not column.required and own.kind in "biu" and any(v != v for v in converted):
        # numpy has no missing integer or boolean. Where the table has, a large integer stays what it is beside a gap.
        return np.array(converted, dtype="float64" if column.dtype is None and own.kind != "b" else "object")
    return np.array(converted, dtype=own)


def _is_clean(values: Array, column: Column) -> bool:
    kind, own = values.dtype.kind, column.array_dtype
    if column.categories is not None or kind not in _CLEAN_KINDS.get(column.type, ""):
        return False
    return kind not in "iu" or own.kind == "f" or (own.kind == kind and values.dtype.itemsize <= own.itemsize)


def _cast(values: Values, column: Column) -> Array | None:
    """The column in one step; None where a look at every single value is needed."""
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(values, dtype=column.array_dtype)
    except (OverflowError, ValueError):
        return None
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return None
    # A finer unit does not have all times of a coarser one, and NaT is unequal to itself.
    if array.dtype.kind == "M" and not (array == np.asarray(values)).all():
        return None
    return array


def _check_count(rows: int, max_rows: int) -> None:
    if rows == 0:
        raise InvalidInput("The request has no rows. Send at least one")
    if rows > max_rows:
        raise TooManyRows(rows, max_rows)


def _check_names(signature: Signature, given: Collection[str], where: str) -> None:
    for name in given:
        if name not in signature.by_name:
            close = _closest(name, signature.names)
            hint = f"Did you mean '{close}'? " if close else ""
            raise InvalidInput(
                f"Column '{echo(name)}'{where} is unknown to the model. {hint}It takes {_listed(signature.names)}"
            )
    missing = [name for name in signature.required if name not in given]
    if missing:
        what = f"Column '{missing[0]}' is" if len(missing) == 1 else f"Columns {_quoted(missing)} are"
        raise InvalidInput(f"{what} missing{where}. The model requires {_listed(signature.required)}")


def _closest(name: str, names: Sequence[str]) -> str | None:
    """Which of the model's `names` the client may have meant; only looked for where that is quick."""
    if len(name) > _LONGEST_MISTAKEN:
        return None
    alike = islice((n for n in names if abs(len(n) - len(name)) <= _MOST_MISTYPED), _MOST_COMPARED)
    close = difflib.get_close_matches(name, [*alike], n=1)
    return close[0] if close else None


def _listed(names: Iterable[str]) -> str:
    names = tuple(names)
    more = f" and {len(names) - 30} more" if len(names) > 30 else ""
    return ", ".join(names[:30]) + more


def _quoted(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(f"'{n}'" for n in islice(names, 10)) + more


def _pattern(signature: Signature) -> str:
    return '[{"' + signature.names[0] + '": ...}, ...]' if signature.names else "[{...}, ...]"


def _jsonable(array: Array) -> list[Any]:
    if array.dtype.kind == "M":
        if array.dtype == FINEST and (array != array.astype("datetime64[us]")).any():
            return [None if text == "NaT" else text for text in np.datetime_as_string(array, "ns").tolist()]
        return [None if v is None else v.isoformat() for v in array.astype("datetime64[us]").tolist()]
    values = cast("list[Any]", array.tolist())
    if (array.dtype.kind == "f" and not np.isfinite(array).all()) or array.dtype.kind == "O":
        return [None if v is None or v != v else v for v in values]  # NaN alone differs from itself
    return values
