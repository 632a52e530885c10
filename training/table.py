"""What a table is, told from an example of it: types, categories, what is missing; and its rows as JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from ..serving.signature import NUMBERS, Column, ColumnType, Container, Missing, Signature
from .errors import ColumnNotServable

_OBJECTS: dict[type, ColumnType] = {str: "string", bool: "boolean", int: "long", float: "double"}
_REMEDIES = {
    "timedelta64": "Give seconds: X['{name}'].dt.total_seconds()",
    "period": "Give times: X['{name}'].dt.to_timestamp()",
    "interval": "Give its ends as two columns: X['{name}'].array.left and .right",
    "complex": "Give two columns: np.real(X['{name}']) and np.imag(X['{name}'])",
    "Sparse": "Give it dense: X['{name}'].sparse.to_dense()",
    "Decimal": "Give numbers: X['{name}'].astype('float64')",
    "date": "Give times: pd.to_datetime(X['{name}'])",
}


def described(example: Any) -> tuple[Signature, list[dict[str, Any]]]:
    """What the table is of which `example` has a few rows, and these rows as requests have them.

    Args:
        example: a DataFrame, a Series, or a list of texts.

    Raises:
        ColumnNotServable: a column is of a type of which a request has no values.
    """
    import pandas as pd

    container: Container = "table"
    if isinstance(example, pd.Series):
        container, columns = "series", [("value" if example.name is None else example.name, example)]
    elif isinstance(example, pd.DataFrame):
        columns = [(label, example.iloc[:, at]) for at, label in enumerate(example.columns)]
    else:
        container, columns = "list", [("value", pd.Series(example))]
    found, values = list[Column](), list[list[Any]]()
    for label, series in columns:
        column = _column(label, series)
        found.append(column)
        values.append(_values(column, series))
    names = [column.name for column in found]
    for name in names:
        if names.count(name) > 1:
            raise ColumnNotServable(name, "several columns have this name", "Give each its own, as a text")
    rows = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
    return Signature(tuple(found), container), rows


def _column(label: Any, series: Any) -> Column:
    import pandas as pd

    name, dtype = str(label), series.dtype
    if not isinstance(label, str | int | np.integer) or isinstance(label, bool):
        raise ColumnNotServable(name, f"its name is a {type(label).__name__}", "Name columns by texts")
    own = None if isinstance(label, str) else int(label)
    missing = series.isna()
    required = not bool(missing.any())
    if isinstance(dtype, pd.CategoricalDtype):
        kind, of = _kind(name, pd.Series(dtype.categories))
        if kind == "datetime":
            raise ColumnNotServable(name, "its categories are times", f"Make them texts: X['{name}'].astype(str)")
        return Column(
            *(name, kind, required, of),
            categories=tuple(dtype.categories.tolist()),
            ordered=bool(dtype.ordered),
            label=own,
        )
    kind, of = _kind(name, series)
    mark = _missing(name, series[missing]) if of == "object" else "nan"
    return Column(name, kind, required, of, mark, label=own)


def _kind(name: str, series: Any) -> tuple[ColumnType, str]:
    """The type of the values in requests, and the name of the column's own."""
    import pandas as pd

    dtype = series.dtype
    text = str(dtype)
    if isinstance(dtype, pd.StringDtype):
        return "string", "str" if text == "str" else f"string[{dtype.storage}]"
    if text == "boolean":
        return "boolean", text
    if (kind := NUMBERS.get(text.lower())) is not None:
        return kind, text
    if text.startswith("datetime64["):
        return "datetime", text
    if text != "object":
        raise _not_servable(name, text)
    kinds = {type(value) for value in series[~series.isna()]}
    if len(kinds) == 1 and (found := _OBJECTS.get(next(iter(kinds)))) is not None:
        return found, "object"
    if not kinds:
        raise ColumnNotServable(name, "it has no value at all", "Give an example in which it has one, or leave it out")
    if strange := kinds - _OBJECTS.keys():
        raise _not_servable(name, min(kind.__name__ for kind in strange))
    return "any", "object"


def _not_servable(name: str, what: str) -> ColumnNotServable:
    remedy = next((text for start, text in _REMEDIES.items() if what.startswith(start)), "Give numbers, texts or times")
    return ColumnNotServable(name, f"it is of the type {what}", remedy.format(name=name))


def _missing(name: str, values: Any) -> Missing:
    kinds: set[Missing] = {"None" if v is None else "nan" if isinstance(v, float) else "NA" for v in values}
    if len(kinds) > 1:
        words = " and ".join(sorted(kinds))
        raise ColumnNotServable(
            name, f"what is missing in it is {words}, of which a request only has one", "Make them one and fit it again"
        )
    return kinds.pop() if kinds else "nan"


def _values(column: Column, series: Any) -> list[Any]:
    """As requests have them: null, texts, numbers and booleans; times in ISO 8601, those with a zone in UTC."""
    gone = series.isna().tolist()
    if column.type == "datetime":
        times = series.dt.tz_convert("UTC") if series.dt.tz is not None else series
        return [None if is_gone else time.isoformat() for is_gone, time in zip(gone, times, strict=True)]
    values = [None if is_gone else value for is_gone, value in zip(gone, series.tolist(), strict=True)]
    if column.type in ("double", "float"):
        return [None if value is None else float(value) for value in values]
    return values


def as_example(example: Any) -> Any:
    """The rows of an example: a table of a list of dicts, anything else as it is."""
    if not isinstance(example, Sequence) or isinstance(example, str):
        return example
    rows = cast("Sequence[Any]", example)
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        return rows
    import pandas as pd

    return pd.DataFrame([*rows])


def is_matrix(example: Any) -> bool:
    """Whether an example is rows of numbers without names."""
    import pandas as pd

    return not isinstance(example, pd.DataFrame | pd.Series) and (np.ndim(example) == 2 or hasattr(example, "tocsr"))


def of_mlflow(signature: Signature, answers: Any) -> Any:
    """The signature as MLflow has it, for its own tools: as much of it as MLflow can say."""
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    def spec(column: Column) -> ColSpec:
        kind = {"any": AnyType(), "unsigned": DataType.long}.get(column.type) or DataType[column.type]
        return ColSpec(kind, column.name, required=column.required)

    return ModelSignature(Schema([*map(spec, signature.columns)]), infer_signature(None, answers).outputs)
